"""Slack's forms (modals). What is sent is read by the very forms of the pages, so what is refused is refused alike."""
