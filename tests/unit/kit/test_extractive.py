"""The extractive answerer cites the sentences that support an answer, and abstains where none does."""

from collections.abc import Iterator

import pytest

from kit.adapters import extractive
from kit.adapters.bm25 import Bm25Encoder
from kit.adapters.extractive import ExtractiveAnswerer
from kit.adapters.minilm import MiniLM
from kit.errors import Permanent
from kit.fakes.embedding import HashEmbedding
from kit.fakes.sparse import WordEncoder
from kit.ports.llm import ABSTENTION, CITATION, Completion, CompletionRequest, FinishReason, Grounding, Message, Role, cited, is_abstention

PAY = "# Pay\n\nA week on call is paid with **420 euros**, whether the pager rings or not. Work at night counts double."
LEAVE = "Employees have 25 days of annual leave. Unused leave may be carried over until the end of March."
LASER = "The laser cutter needs a permit. Ask the workshop for one."
PASSAGES = (PAY, LEAVE, LASER)


@pytest.fixture(scope="module")
def mini() -> Iterator[MiniLM]:
    """The model the threshold is calibrated for."""
    loaded = MiniLM()
    yield loaded
    loaded.close()


@pytest.fixture
def calibrated(mini: MiniLM) -> ExtractiveAnswerer:
    """The answerer as a service runs it."""
    return ExtractiveAnswerer(mini, Bm25Encoder())


@pytest.fixture
def embedder() -> HashEmbedding:
    """A model that knows words only."""
    return HashEmbedding()


@pytest.fixture
def answerer(embedder: HashEmbedding) -> ExtractiveAnswerer:
    """The answerer over it."""
    return ExtractiveAnswerer(embedder, WordEncoder())


async def ask(
    answerer: ExtractiveAnswerer, question: str, *passages: str, max_tokens: int = 1000, support: float | None = None
) -> Completion:
    """The completion for a question over passages, by default those above."""
    messages = (Message(Role.USER, question),)
    return await answerer.complete(CompletionRequest(messages, Grounding(question, passages or PASSAGES, support), max_tokens))


@pytest.mark.parametrize(
    ("question", "passage", "answer"),
    [
        ("How much does a week on call pay?", 1, "420 euros"),
        ("How many days of vacation do employees get?", 2, "25 days"),
        ("Which permit is needed for laser cutting?", 3, "permit"),
    ],
)
async def test_an_answer_cites_the_passage_that_supports_it(
    calibrated: ExtractiveAnswerer, question: str, passage: int, answer: str
) -> None:
    """In other words than the question's, too."""
    completion = await ask(calibrated, question)

    assert answer in CITATION.sub("", completion.text)
    assert str(passage) in [number for number, _ in CITATION.findall(completion.text)]


@pytest.mark.parametrize("question", ["Who won the World Cup in 2022?", "What does a parking space cost?", "?", "", "the of and"])
async def test_a_question_that_no_passage_answers_is_abstained_from(calibrated: ExtractiveAnswerer, question: str) -> None:
    """The same words for every abstention, and nothing else."""
    completion = await ask(calibrated, question)

    assert (completion.text, completion.finish_reason) == (ABSTENTION, FinishReason.STOP)


@pytest.mark.parametrize("passages", [("",), ("# Title only",), ("\n \n", "| --- |")])
async def test_passages_without_a_statement_support_nothing(answerer: ExtractiveAnswerer, passages: tuple[str, ...]) -> None:
    """An index may hold such chunks."""
    assert (await ask(answerer, "Title only?", *passages)).text == ABSTENTION


async def test_no_passages_support_nothing(answerer: ExtractiveAnswerer) -> None:
    """A filter may leave none."""
    completion = await answerer.complete(CompletionRequest((), Grounding("Why?", ())))

    assert completion.text == ABSTENTION


async def test_the_confidence_is_told_whether_it_answers_or_abstains(answerer: ExtractiveAnswerer) -> None:
    """The question's own sentence is surest: cosine 1, and half of all its words."""
    sure = await ask(answerer, "Employees have 25 days of annual leave.")
    unsure = await ask(answerer, "Who has 25 parrots?", support=2.0)

    assert sure.confidence == pytest.approx(1.5, abs=0.03)
    assert unsure.text == ABSTENTION
    assert unsure.confidence is not None
    assert 0 < unsure.confidence < 0.6
    assert (await ask(answerer, "Why?", "# Title only")).confidence == 0.0


async def test_a_request_may_ask_for_other_support(calibrated: ExtractiveAnswerer) -> None:
    """What reaches it is answered from, what does not is left; none means what it is calibrated to."""
    question = "How much is a week on call paid?"
    confidence = (await ask(calibrated, question)).confidence
    assert confidence is not None

    texts = [(await ask(calibrated, question, support=support)).text for support in (None, confidence, confidence + 0.001)]

    assert [is_abstention(text) for text in texts] == [False, False, True]


async def test_every_quote_stands_in_its_passage_and_claims_are_prose(calibrated: ExtractiveAnswerer) -> None:
    """The quote keeps the Markdown that the claim leaves out."""
    completion = await ask(calibrated, "How much is a week on call paid?")

    quotes = CITATION.findall(completion.text)
    assert all(quote in PASSAGES[int(number) - 1] for number, quote in quotes)
    assert quotes[0][1].startswith("A week on call is paid with **420 euros**")
    assert "**" not in CITATION.sub("", completion.text)


async def test_a_sentence_in_two_passages_is_cited_once(answerer: ExtractiveAnswerer) -> None:
    """Chunks may overlap."""
    completion = await ask(answerer, "Employees have how many days of annual leave?", LEAVE, LEAVE)

    assert CITATION.findall(completion.text)[0][0] == "1"
    assert completion.text.count("25 days") == 2  # the claim and its quote


async def test_of_equal_sentences_that_of_the_better_passage_comes_first(answerer: ExtractiveAnswerer) -> None:
    """Retrieval has seen more than the words."""
    passages = ("Leave has 25 days now.", "Leave has 30 days now.")

    completion = await ask(answerer, "Leave has how many days now?", *passages)

    assert completion.text.startswith("Leave has 25 days now.")


async def test_what_a_sentence_stands_under_counts(calibrated: ExtractiveAnswerer) -> None:
    """`They take 14 days.` answers only below its question."""
    completion = await ask(calibrated, "How long do refunds take?", "How long do refunds take?\nThey take 14 days.", LASER)

    assert completion.text.startswith("They take 14 days. [1:")


async def test_the_same_question_has_the_same_answer_and_costs_one_vector(answerer: ExtractiveAnswerer, embedder: HashEmbedding) -> None:
    """The sentences' vectors are remembered; the question's is the embedder's to remember."""
    question = "Employees have how many days of annual leave?"
    first = await ask(answerer, question)
    embedder.calls.clear()

    assert await ask(answerer, question) == first
    assert [call for call in embedder.calls if call] == [(question,)]


async def test_old_vectors_are_forgotten(monkeypatch: pytest.MonkeyPatch, answerer: ExtractiveAnswerer, embedder: HashEmbedding) -> None:
    """A service runs for months; its memory must not grow with the corpus."""
    monkeypatch.setattr(extractive, "REMEMBERED", 1)
    for passage in (LEAVE, LASER, LEAVE):
        await ask(answerer, "Leave?", passage)

    assert sum(LEAVE.split(". ")[0] + "." in call for call in embedder.calls) == 2


async def test_few_sentences_get_a_vector(answerer: ExtractiveAnswerer, embedder: HashEmbedding) -> None:
    """A vector costs more than all the rest, so a long document must not cost more of them."""
    await ask(answerer, "When is day 7?", *(f"Day {n} is a Monday. Day {n} is long." for n in range(50)))

    assert sum(map(len, embedder.calls)) == 5


async def test_an_answer_that_does_not_fit_is_left_out_whole(answerer: ExtractiveAnswerer) -> None:
    """Half a quote would prove nothing."""
    completion = await ask(answerer, "Employees have how many days of annual leave?", max_tokens=5)

    assert (completion.text, completion.finish_reason) == ("", FinishReason.LENGTH)


async def test_without_passages_to_answer_from_the_call_is_refused(answerer: ExtractiveAnswerer) -> None:
    """It is no chat model."""
    with pytest.raises(Permanent, match="set up a language model") as raised:
        await answerer.complete(CompletionRequest((Message(Role.USER, "Hello"),)))
    assert raised.value.code == "grounding_missing"


@pytest.mark.parametrize("quote", ["plain", 'he said "no" twice', 'ends in "yes"', '["a", "b"] is a list', "two\nlines [1]"])
def test_a_citation_can_be_read_back(quote: str) -> None:
    """Whatever the quote holds, what is read is a part of it."""
    answer = cited("Claim.", 12, quote)

    [(number, read)] = CITATION.findall(answer)
    assert CITATION.sub("", answer) == "Claim. "
    assert number == "12"
    assert read in quote
    assert read == quote or '"]' in quote


@pytest.mark.parametrize(("text", "abstains"), [(ABSTENTION, True), (" i don’t know \n", True), ("I don't know Bob.", False), ("", False)])
def test_an_abstention_is_recognised_as_models_write_it(text: str, abstains: bool) -> None:
    """Case, apostrophe and full stop vary; an answer that begins alike is none."""
    assert is_abstention(text) is abstains
