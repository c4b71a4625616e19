"""Rows through Hugging Face `datasets`, streamed: of the hub, and of CSV and Parquet files."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

import datasets
import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, RepositoryNotFoundError

from kit.datasets.entry import Row
from kit.errors import Permanent

HUB = "hf:"
_TIMEOUT_S = 10
_FILES_SPLIT = "train"  # what the library calls the only split of local files


@dataclass(frozen=True, slots=True)
class HubName:
    """A dataset of the hub; without a configuration or a split it has to have one alone."""

    name: str
    config: str | None = None
    split: str | None = None

    @classmethod
    def parse(cls, reference: str) -> "HubName":
        """Reads `hf:name[#config:split]`."""
        name, _, rest = reference.removeprefix(HUB).partition("#")
        config, _, split = rest.partition(":")
        return cls(name, config or None, split or None)


def hub_rows(hub: HubName) -> Iterator[Row]:
    """The rows of a split of the hub's dataset.

    Raises Permanent `dataset_unknown`, `dataset_config_unknown`, `dataset_split_unknown` or `dataset_hub_unreachable`.
    """
    with _errors(hub.name):
        _require_known(hub)
        config = _one_of(hub.config, datasets.get_dataset_config_names(hub.name), "config", hub)
        split = _one_of(hub.split, datasets.get_dataset_split_names(hub.name, config), "split", hub)
        yield from datasets.load_dataset(hub.name, config, split=split, streaming=True)


def csv_rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV file with a header; every value is a text, as it stands there. Raises Permanent `dataset_line_invalid`."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file), [])
    if not names:
        raise Permanent("dataset_empty", f"{path} has no header; write the columns' names into its first line")
    texts = datasets.Features(dict.fromkeys(names, datasets.Value("string")))
    return _file_rows("csv", path, features=texts, keep_default_na=False, encoding="utf-8-sig")


def parquet_rows(path: Path) -> Iterator[Row]:
    """The rows of a Parquet file. Raises Permanent `dataset_line_invalid`."""
    return _file_rows("parquet", path)


def _file_rows(kind: str, path: Path, **options: Any) -> Iterator[Row]:
    with _errors(str(path)):
        yield from datasets.load_dataset(kind, data_files=escape(str(path.absolute())), split=_FILES_SPLIT, streaming=True, **options)


def _require_known(hub: HubName) -> None:
    """Asks once, for the library asks for half a minute."""
    HfApi().dataset_info(hub.name, timeout=_TIMEOUT_S)


def _one_of(wanted: str | None, known: list[str], what: str, hub: HubName) -> str:
    if wanted in known:
        return wanted
    if wanted is None and (len(known) == 1 or "default" in known):
        return known[0] if len(known) == 1 else "default"
    raise Permanent(
        f"dataset_{what}_unknown", f"{hub.name} has the {what}s {', '.join(known)}; name one of them: hf:{hub.name}#config:split"
    )


@contextmanager
def _errors(place: str) -> Iterator[None]:
    """The library's errors in our words."""
    try:
        yield
    except (RepositoryNotFoundError, HFValidationError, datasets.exceptions.DatasetNotFoundError) as error:
        told = f"the hub has no dataset {place!r}, or not for you; check its name, or set HF_TOKEN if it is private or gated"
        raise Permanent("dataset_unknown", told) from error
    except (httpx2.TransportError, HfHubHTTPError, OfflineModeIsEnabled, ConnectionError) as error:
        told = (
            f"the Hugging Face hub cannot be reached for {place!r} ({type(error).__name__}); where there is no network, download the set's "
            "files elsewhere and give a local .jsonl, .json, .csv or .parquet file, or a folder with a dataset.yaml"
        )
        raise Permanent("dataset_hub_unreachable", told) from error
    except (datasets.exceptions.DatasetsError, ValueError, OSError) as error:
        raise Permanent("dataset_line_invalid", f"{place} cannot be read: {error}; check that it is what its name says") from error
