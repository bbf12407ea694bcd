"""What can be told of a jq program without running it. Where it cannot be told, the program may do anything."""

import re
from functools import lru_cache

from portal.kit.jq.dialect import translate

_NOW = re.compile(r"(?<![.\w$@])now(?!\w)")
_PROPERTY = re.compile(
    r"\.properties\s*(?:\.\s*([A-Za-z_]\w*)"
    r'|\.?\s*\[\s*"([^"\\]*)"\s*\]'
    r'|\.\s*"([^"\\]*)")'
)
# Ways to come by a property without its name standing there.
_ANY = re.compile(
    r"properties|\.\.|\.\s*\[\s*\]|(?<![.\w])(?:getpath|paths|leaf_paths|to_entries|with_entries|map_values|walk|tojson"
    r"|tostring|tostream|values|keys|keys_unsorted|del|delpaths|env|map|any|all|add|flatten)(?!\w)|@(?:json|text)|^\s*\.\s*$"
)


@lru_cache(maxsize=1000)
def reads_clock(program: str) -> bool:
    return bool(_NOW.search(_code(translate(program))))


@lru_cache(maxsize=1000)
def properties_read(program: str) -> frozenset[str] | None:
    """Names of the properties that it reads, None where that cannot be told."""
    plain = translate(program)
    names = frozenset(next(filter(None, found), "") for found in _PROPERTY.findall(plain))
    return None if _ANY.search(_PROPERTY.sub(" ", plain)) else names


def _code(program: str) -> str:
    """Without texts and comments; what a text interpolates is a program again."""
    return _Reader(program).code(closing="")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def code(self, closing: str) -> str:
        out: list[str] = []
        depth = 0
        while self.at < len(self.text):
            here = self.text[self.at]
            self.at += 1
            if here == closing and depth == 0:
                break
            depth += (here == "(") - (here == ")")
            out.append(self._literal() if here == '"' else self._comment() if here == "#" else here)
        return "".join(out)

    def _comment(self) -> str:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end
        return " "

    def _literal(self) -> str:
        out: list[str] = []
        while self.at < len(self.text):
            here = self.text[self.at]
            self.at += 1
            if here == '"':
                break
            if here == "\\":
                inner = self.text[self.at : self.at + 1]
                self.at += 1
                if inner == "(":
                    out.append(self.code(closing=")"))
        return f'"" {" ".join(out)} '
