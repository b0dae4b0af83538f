"""A text that may hold rules, as every reader sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from translator.rulepack import bicep, json_text, terraform, yaml_text
from translator.rulepack.tree import Misread, Tree

_KEY = re.compile(r"(?:- )?[\"']?[A-Za-z_][\w.]*[\"']?:(?:[ \t]|$)", re.M)


_JSON = re.compile(r"(?>\s|//[^\n]*|/\*.*?\*/)*+[{\[]", re.S)


@dataclass(frozen=True)
class Content:
    """``name`` is what is shown of its path; ``suffix`` is lower case, with its dot, and empty for standard input; ``stem`` names rules;
    ``bare`` says that nothing but the text tells what it is.
    """

    name: str
    stem: str
    suffix: str
    text: str
    bare: bool = False

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def is_json(self) -> bool:
        """Whether the text begins as a document of JSON does, and is not called as one of YAML, which may begin so too."""
        return self.suffix not in (".yaml", ".yml") and _JSON.match(self.text) is not None

    @cached_property
    def is_code(self) -> bool:
        """Whether the text is infrastructure as code."""
        return terraform.recognizes(self.suffix, self.text) or bicep.recognizes(self.suffix, self.text)

    @cached_property
    def may_be_yaml(self) -> bool:
        """Whether the first line that says something is a key of a mapping, or of the first mapping of a list."""
        said = (line for line in self.lines if line.strip() and not line.startswith(("#", "---", "%")))
        return _KEY.match(next(said, "")) is not None

    @property
    def may_be_document(self) -> bool:
        """Whether the text begins as one of JSON or YAML does."""
        return self.is_json or self.may_be_yaml

    @cached_property
    def trees(self) -> tuple[Tree | Misread, ...]:
        """The documents of the text, read as JSON, as code or as YAML."""
        if self.is_json or (self.suffix == ".json" and not self.may_be_yaml):
            return tuple(json_text.documents(self.text))
        if self.is_code:
            language = terraform if terraform.recognizes(self.suffix, self.text) else bicep
            try:
                return (language.document(self.text),)
            except Misread as error:
                return (error,)
        return tuple(yaml_text.documents(self.text))
