"""What every class of settings shares, and how one is read. Knows no setting."""

import re
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSetting

from core.errors import SettingsError
from core.settings.location import find_env_file


class Settings(BaseSettings):
    """Base of all: frozen, environment first, then the `.env` that `load` finds; unknown variables are not ours."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_file=None,
        env_file_encoding="utf-8",
        extra="ignore",
        populate_by_name=True,
        env_parse_none_str="none",
    )


Kind = TypeVar("Kind", bound=Settings)


def load(kind: type[Kind], **values: Any) -> Kind:
    """Read one class of settings. Raises SettingsError with one line that names the variable and an example."""
    try:
        return kind(**{"_env_file": find_env_file()} | values)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(kind, item) for item in error.errors())) from None
    except UnreadableSetting as error:
        raise SettingsError(_explain_unreadable(error)) from None
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f".env: {find_env_file()} cannot be read: {error}") from None


def _explain(kind: type[Settings], item: Any) -> str:
    if not item["loc"]:
        return str(item["msg"]).removeprefix("Value error, ")
    name = str(item["loc"][0]).lower()
    examples = kind.model_fields[name].examples if name in kind.model_fields else None
    hint = f" (for example: {examples[0]})" if examples else ""
    bare = {"missing": "is missing", "empty": "is empty"}
    problem = bare.get(item["type"]) or f"is wrong: {str(item['msg']).removeprefix('Value error, ')}"
    return f"{name.upper()} {problem}{hint}"


def _explain_unreadable(error: UnreadableSetting) -> str:
    """One line for a value that could not even be parsed. The message of pydantic-settings quotes the field only."""
    name = re.search(r'field "(\w+)"', str(error))
    return f"{name[1].upper()} is wrong: it cannot be read" if name else " ".join(str(error).split())
