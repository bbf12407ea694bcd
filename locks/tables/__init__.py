from locks.tables.locks import (
    capital,
    denial_row,
    event_row,
    extensions,
    lock_row,
    place_rows,
    preview_rows,
    tabs,
    taken,
    window_line,
    write_url,
)

__all__ = [
    "capital",
    "denial_row",
    "event_row",
    "extensions",
    "lock_row",
    "write_url",
    "place_rows",
    "preview_rows",
    "tabs",
    "taken",
    "window_line",
]
