"""The jq that the compatible portal's users write: text may stand in single quotes too.

`.properties.'on-call' + 'x'` means `.properties."on-call" + "x"`. Within double quotes and comments nothing changes;
within an interpolation `\\(...)` it is a program again.
"""


def translate(program: str) -> str:
    """Plain jq. Never fails: what is malformed is left for jq to complain about."""
    try:
        return _Reader(program).program()
    except RecursionError:
        return program  # interpolations within interpolations, deeper than jq itself goes


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def program(self, *, until: str = "") -> str:
        """Up to the parenthesis that closes an interpolation, or to the end."""
        out: list[str] = []
        depth = 0
        while self.at < len(self.text):
            here = self.text[self.at]
            if here == until and depth == 0:
                break
            self.at += 1
            depth += (here == "(") - (here == ")")
            if here in "\"'":
                out.append(f'"{self.literal(here)}')
            elif here == "#":
                out.append(here + self.comment())
            else:
                out.append(here)
        return "".join(out)

    def comment(self) -> str:
        end = self.text.find("\n", self.at)
        start, self.at = self.at, len(self.text) if end < 0 else end
        return self.text[start : self.at]

    def literal(self, quote: str) -> str:
        """What follows the opening quote, with the closing one as a double quote where there is one."""
        out: list[str] = []
        while self.at < len(self.text):
            here = self.text[self.at]
            self.at += 1
            if here == quote:
                return "".join(out) + '"'
            if here == "\\":
                out.append(self.escape(quote))
            else:
                out.append('\\"' if here == '"' else here)
        return "".join(out)

    def escape(self, quote: str) -> str:
        here = self.text[self.at : self.at + 1]
        self.at += 1
        if here == "(":
            inner = self.program(until=")")
            closing = self.text[self.at : self.at + 1]
            self.at += 1
            return f"\\({inner}{closing}"
        return "'" if here == "'" == quote else f"\\{here}"
