"""Read one class of settings from the environment and `.env`, with one-line errors."""

import re
from typing import Any, TypeVar

from pydantic import AliasChoices, AliasGenerator, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSetting

from core.errors import SettingsError
from core.settings.env_file import find_env_file, given_names
from core.settings.renamed import name_in_use, names_of_field, without_replaced


class Settings(BaseSettings):
    """Base class: frozen; reads the environment, then the `.env` that `load` finds; ignores unknown variables."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_file=None,
        env_file_encoding="utf-8",
        extra="ignore",
        populate_by_name=True,
        alias_generator=AliasGenerator(validation_alias=lambda field: AliasChoices(*names_of_field(field))),
        env_parse_none_str="none",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let a new name in the `.env` win over an old name in the environment."""
        sources = [source for source in (env_settings, dotenv_settings) if isinstance(source, EnvSettingsSource)]
        given = {name for source in sources for name in source.env_vars}
        for source in sources:
            source.env_vars = without_replaced(source.env_vars, given)
        return init_settings, env_settings, dotenv_settings, file_secret_settings


SettingsClass = TypeVar("SettingsClass", bound=Settings)


def load(settings_class: type[SettingsClass], **values: Any) -> SettingsClass:
    """Read one class of settings. Raise SettingsError with one line that names the variable and an example."""
    try:
        return settings_class(**{"_env_file": find_env_file()} | values)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(settings_class, item) for item in error.errors())) from None
    except UnreadableSetting as error:
        raise SettingsError(_explain_unreadable(error)) from None
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f".env: {find_env_file()} cannot be read: {error}") from None


def _explain(settings_class: type[Settings], error: ErrorDetails) -> str:
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return message
    field_name = str(error["loc"][0]).lower()
    name = name_in_use(field_name, given_names())
    field = settings_class.model_fields.get(field_name)
    hint = f" (for example: {field.examples[0]})" if field and field.examples else ""
    problem = {"missing": "is missing", "empty": "is empty"}.get(error["type"]) or f"is wrong: {message}"
    return f"{name} {problem}{hint}"


def _explain_unreadable(error: UnreadableSetting) -> str:
    """Explain a value that could not be parsed. The message of pydantic-settings names the field only."""
    name = re.search(r'field "(\w+)"', str(error))
    return f"{name[1].upper()} is wrong: it cannot be read" if name else " ".join(str(error).split())
