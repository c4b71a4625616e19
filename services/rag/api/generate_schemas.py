"""The JSON of generation."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError, to_json

from contracts.base import Name
from contracts.queries import NamedVersion, Usage
from kit.ports.llm import FinishReason, Role
from services.rag.api.registry_schemas import EntryName, RenderRequest
from services.rag.api.schemas import Request

MAX_MESSAGES = 200
MAX_CHARS = 400_000
MAX_TOKENS = 32_768
MAX_SCHEMA_CHARS = 50_000

Text = Annotated[str, Field(min_length=1, max_length=MAX_CHARS, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
StopText = Annotated[str, Field(min_length=1, max_length=200)]


class GenerateMessage(Request):
    """One turn of the conversation."""

    role: Role
    content: Text


class PromptCall(RenderRequest):
    """A prompt of the registry with its variables. Without `subject` each request draws its share of a canary."""

    name: EntryName


def _kind_of_prompt(prompt: Any) -> str:
    return "text" if isinstance(prompt, str) else "reference"


Prompt = Annotated[Annotated[Text, Tag("text")] | Annotated[PromptCall, Tag("reference")], Discriminator(_kind_of_prompt)]


class GenerateRequest(Request):
    """Messages, or a prompt: a text, which is one message of the user, or one of the registry.

    Without provider and model those of the settings are asked.
    """

    messages: tuple[GenerateMessage, ...] | None = Field(default=None, min_length=1, max_length=MAX_MESSAGES)
    prompt: Prompt | None = None
    provider: Name | None = None
    model: Name | None = None
    max_tokens: int = Field(default=1024, ge=1, le=MAX_TOKENS)
    temperature: float | None = Field(default=0.0, ge=0, le=2, description="null leaves it to the provider")
    stop: tuple[StopText, ...] = Field(default=(), max_length=4)
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    response_schema: dict[str, Any] | None = Field(default=None, description="a JSON Schema; the answer's `parsed` fits it")
    stream: bool = False

    @model_validator(mode="after")
    def _say_one_thing(self) -> Self:
        if (self.messages is None) == (self.prompt is None):
            raise PydanticCustomError("one_of", "send either `messages` or `prompt`")
        if self.messages and Role.USER not in {message.role for message in self.messages}:
            raise PydanticCustomError("no_user", "`messages` need one whose role is user")
        if self.messages and sum(len(message.content) for message in self.messages) > MAX_CHARS:
            raise PydanticCustomError("too_long", "`messages` have more than {most} characters together", {"most": MAX_CHARS})
        if self.response_schema is not None and len(to_json(self.response_schema)) > MAX_SCHEMA_CHARS:
            raise PydanticCustomError("too_long", "`response_schema` has more than {most} characters", {"most": MAX_SCHEMA_CHARS})
        return self


class FailedModel(BaseModel):
    """A model that was asked before and did not answer, and the error's code."""

    provider: str
    model: str
    code: str


class GenerateResponse(BaseModel):
    """What the model wrote. `timings_ms` has `total`, and of a stream `first_token`."""

    request_id: str
    trace_id: str | None
    prompt: NamedVersion | None = Field(description="of the registry, if it was asked for")
    text: str
    parsed: Any = None
    provider: str
    model: str
    usage: Usage
    finish_reason: FinishReason
    failovers: list[FailedModel]
    timings_ms: dict[str, float]
