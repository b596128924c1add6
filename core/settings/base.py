"""What every class of settings shares, and how one is read. Knows no setting."""

from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SettingsError


class Settings(BaseSettings):
    """Base of all: frozen, environment first, then `.env`; unknown variables are somebody else's."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        populate_by_name=True,
        env_parse_none_str="none",
    )


Kind = TypeVar("Kind", bound=Settings)


def load(kind: type[Kind], **values: Any) -> Kind:
    """Read one class of settings. Raises SettingsError with one line that names the variable and an example."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(kind, item) for item in error.errors())) from None


def _explain(kind: type[Settings], item: Any) -> str:
    if not item["loc"]:
        return str(item["msg"]).removeprefix("Value error, ")
    name = str(item["loc"][0]).lower()
    examples = kind.model_fields[name].examples if name in kind.model_fields else None
    hint = f" (for example: {examples[0]})" if examples else ""
    problem = "is missing" if item["type"] == "missing" else f"is wrong: {item['msg']}"
    return f"{name.upper()} {problem}{hint}"
