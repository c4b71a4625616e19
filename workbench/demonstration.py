"""What a demonstration shows, and when it has shown it: every document searchable, answers cited, and silence where nothing is known."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kit.errors import Permanent
from workbench.client import Json
from workbench.uploads import Outcome, find_files

QUESTIONS = "questions.jsonl"


class Question(BaseModel):
    """A question of a dataset. `answerable` tells whether its documents answer it, `demo` whether a demonstration asks it."""

    model_config = ConfigDict(frozen=True)

    text: str = Field(alias="question")
    answerable: bool
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """What a demonstration uploads and asks."""

    files: list[Path]
    questions: list[Question]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its answer, as the service sent it."""

    question: Question
    answer: Json

    @property
    def ok(self) -> bool:
        """Whether it was answered with a citation if it can be, and abstained from if not."""
        cited, abstained = bool(self.answer["citations"]), bool(self.answer["abstained"])
        return cited and not abstained if self.question.answerable else abstained


@dataclass(frozen=True, slots=True)
class Demonstration:
    """All of it."""

    documents: list[Outcome]
    answers: list[Asked]

    @property
    def ok(self) -> bool:
        """Whether the main job works."""
        indexed = all(item.status == "indexed" for item in self.documents)
        return bool(self.documents and self.answers) and indexed and all(item.ok for item in self.answers)


def read_script(dataset: Path) -> Script:
    """The documents of a folder, and those of its questions that are marked `demo`. Raises Permanent `dataset_unusable`."""
    path = dataset / QUESTIONS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        questions = [Question.model_validate_json(line) for line in lines if line.strip()]
    except (OSError, ValidationError) as error:
        raise Permanent("dataset_unusable", f"{path} cannot be read as questions, one JSON object a line: {error}") from error
    files, _ = find_files([dataset])
    return Script(files, [question for question in questions if question.demo])
