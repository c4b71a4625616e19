"""A document becomes a cited answer, changes, and goes."""

from pathlib import Path
from uuid import uuid4

from tests.e2e.conftest import Workbench

HANDBOOK = Path(__file__).parents[2] / "datasets" / "handbook"


def a_note(fact: str) -> bytes:
    """A small text nobody else has uploaded."""
    return f"Note {uuid4().hex}. {fact}".encode()


async def test_a_pdf_is_answered_from_with_quotes_that_stand_in_its_stored_text(workbench: Workbench) -> None:
    """Each citation's span, page and hash hold against what the database keeps."""
    pdf = sorted(HANDBOOK.glob("*.pdf"))[0]
    accepted = await workbench.upload(pdf.name, pdf.read_bytes())
    assert accepted.status_code == 202
    document = await workbench.settled(accepted.headers["location"].rsplit("/", 1)[1])
    [stored] = await workbench.fetch("SELECT text, page_numbers, page_starts FROM ingest.texts WHERE sha256 = $1", document["sha256"])
    second_page = stored["text"][stored["page_starts"][1] :]

    answer = await workbench.ask(f"What is said about {second_page[:60]}?", filter={"document_ids": [document["document_id"]]})

    assert answer["citations"]
    for citation in answer["citations"]:
        assert stored["text"][citation["start"] : citation["end"]] == citation["quote"]
        starts = dict(zip(stored["page_numbers"], stored["page_starts"], strict=True))
        assert citation["page"] == max(page for page, start in starts.items() if start <= citation["start"])
        assert citation["document_sha256"] == document["sha256"]


async def test_the_same_content_again_is_recognised(workbench: Workbench) -> None:
    """200 instead of 202, and the document it is."""
    data = a_note("The canteen opens at seven.")
    first = await workbench.indexed("canteen.txt", data)

    again = await workbench.upload("canteen.txt", data)

    assert again.status_code == 200
    assert again.json()["duplicate"] is True
    assert again.json()["document_id"] == first["document_id"]


async def test_a_deleted_document_is_not_found_any_more(workbench: Workbench) -> None:
    """Not even by the very next search; its text and its points go soon after."""
    document = await workbench.indexed("secret.txt", a_note("The zanzibar codeword is heliotrope."))
    before = await workbench.search("zanzibar codeword")

    deleted = await workbench.http.delete(f"/documents/{document['document_id']}")

    after = await workbench.search("zanzibar codeword")
    assert (deleted.status_code, deleted.json()["status"]) == (202, "deleted")
    assert document["document_id"] in {hit["document_id"] for hit in before}
    assert document["document_id"] not in {hit["document_id"] for hit in after}
    await workbench.eventually("SELECT 1 WHERE NOT EXISTS (SELECT FROM ingest.texts WHERE sha256 = $1)", document["sha256"])
    await workbench.eventually("SELECT 1 FROM indexer.documents WHERE document_id = $1 AND deleted", document["document_id"])


async def test_what_was_deleted_does_not_come_back_with_a_new_upload(workbench: Workbench) -> None:
    """Not even while the index still has it."""
    document_id = f"reborn-{uuid4().hex}"
    await workbench.indexed("reborn.txt", a_note("The basilisk lives in the cellar."), document_id=document_id)
    await workbench.http.delete(f"/documents/{document_id}")
    await workbench.upload("reborn.txt", a_note("The gryphon lives in the attic."), document_id=document_id)

    at_once = await workbench.search("Where does the basilisk live?", filter={"document_ids": [document_id]})

    assert [hit for hit in at_once if "basilisk" in hit["text"]] == []
    assert (await workbench.settled(document_id, 3))["status"] == "indexed"


async def test_a_new_version_takes_the_place_of_the_old(workbench: Workbench) -> None:
    """The same id, other content."""
    document_id = f"price-{uuid4().hex}"
    await workbench.indexed("price.txt", a_note("A quokka costs ten crowns."), document_id=document_id)

    changed = await workbench.indexed("price.txt", a_note("A quokka costs twenty crowns."), document_id=document_id)

    hits = [hit for hit in await workbench.search("What does a quokka cost?") if hit["document_id"] == document_id]
    assert changed["version"] == 2
    assert [hit["version"] for hit in hits] == [2]
    assert "twenty" in hits[0]["text"]


async def test_the_same_content_under_another_id_is_not_embedded_again(workbench: Workbench) -> None:
    """Both documents are found; the vectors were made once."""
    data = a_note("Yaks graze on the northern slope.")
    first = await workbench.indexed("yaks.txt", data)
    written = await workbench.fetch("SELECT xmin::text FROM ingest.chunks WHERE sha256 = $1", first["sha256"])

    second = await workbench.indexed("yaks.txt", data, document_id=f"yaks-{uuid4().hex}")

    assert second["document_id"] != first["document_id"]
    assert await workbench.fetch("SELECT xmin::text FROM ingest.chunks WHERE sha256 = $1", first["sha256"]) == written
    found = {hit["document_id"] for hit in await workbench.search("Where do yaks graze?")}
    assert {first["document_id"], second["document_id"]} <= found


async def test_a_question_without_support_is_abstained_from(workbench: Workbench) -> None:
    """No citation, and a plain answer; with nothing found at all, too."""
    unsupported = await workbench.ask("How many moons does the planet Xylophon Prime have?")
    nothing = await workbench.ask("Who is there?", filter={"document_ids": ["nobody"]})

    assert [answer["abstained"] for answer in (unsupported, nothing)] == [True, True]
    assert [answer["citations"] for answer in (unsupported, nothing)] == [[], []]
    assert nothing["contexts"] == []


async def test_an_answer_tells_what_it_took(workbench: Workbench) -> None:
    """Stages, tokens, cost, versions and a trace."""
    await workbench.indexed("bees.txt", a_note("The beekeeper lives in Lindau."))

    answer = await workbench.ask("Where does the beekeeper live?")

    assert {"embed", "retrieve", "rerank", "generate", "total"} <= answer["timings_ms"].keys()
    assert answer["usage"]["input_tokens"] > 0
    assert answer["usage"]["cost_usd"] == 0
    assert answer["variant"]["version"]
    assert len(answer["trace_id"]) == 32


async def test_an_idempotency_key_makes_one_upload_of_two(workbench: Workbench) -> None:
    """The second answer is the first one; with another body it is refused."""
    data, key = a_note("Key."), {"Idempotency-Key": uuid4().hex}
    first = await workbench.http.post("/ingest", files={"file": ("k.txt", data)}, headers=key)

    second = await workbench.http.post("/ingest", files={"file": ("k.txt", data)}, headers=key)
    other = await workbench.http.post("/ingest", files={"file": ("k.txt", b"other")}, headers=key)

    assert (first.status_code, second.json()) == (202, first.json())
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_text_can_be_sent_as_json(workbench: Workbench) -> None:
    """Without a file."""
    body = {"text": a_note("Otters sleep holding hands.").decode(), "title": "Otters", "metadata": {"team": "sea"}}

    accepted = await workbench.http.post("/ingest", json=body)

    document = await workbench.settled(accepted.json()["document_id"])
    assert (accepted.status_code, document["status"], document["title"]) == (202, "indexed", "Otters")
    assert (await workbench.search("How do otters sleep?", filter={"metadata": {"team": "sea"}}))[0]["title"] == "Otters"
    assert await workbench.search("How do otters sleep?", filter={"metadata": {"team": "air"}}) == []


async def test_texts_can_be_embedded(workbench: Workbench) -> None:
    """Vectors of length 1, in order."""
    answer = (await workbench.http.post("/embed", json={"texts": ["one", "two", "one"]})).json()

    assert answer["dimensions"] == len(answer["embeddings"][0]) == 384
    assert answer["embeddings"][0] == answer["embeddings"][2] != answer["embeddings"][1]
    assert abs(sum(x * x for x in answer["embeddings"][1]) - 1) < 1e-5
