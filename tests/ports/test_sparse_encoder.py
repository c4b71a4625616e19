"""The promise of `SparseEncoder`, kept by the in-memory twin and by the BM25 of the engine."""

import pytest

from kit.adapters.bm25 import Bm25Encoder
from kit.fakes.sparse import WordEncoder
from kit.ports.sparse import SparseEncoder, SparseVector


@pytest.fixture(params=[WordEncoder, Bm25Encoder])
def encoder(request: pytest.FixtureRequest) -> SparseEncoder:
    """Each encoder."""
    made: SparseEncoder = request.param()
    return made


def weights(vector: SparseVector) -> dict[int, float]:
    """The weight of each term."""
    return dict(zip(vector.indices, vector.values, strict=True))


def test_equal_texts_give_equal_vectors(encoder: SparseEncoder) -> None:
    """From another encoder too, so that an index outlives the process."""
    text = "Employees book travel through the portal."

    assert encoder.encode_documents([text, text]) == encoder.encode_documents([text]) * 2 == type(encoder)().encode_documents([text]) * 2


def test_vectors_come_in_the_order_of_the_texts(encoder: SparseEncoder) -> None:
    """One a text."""
    texts = ["holiday", "travel", "budget"]

    assert encoder.encode_documents(texts) == [encoder.encode_documents([text])[0] for text in texts]


def test_a_question_shares_the_terms_of_its_document(encoder: SparseEncoder) -> None:
    """Whatever the case."""
    [document] = encoder.encode_documents(["The travel budget, approved."])

    assert set(encoder.encode_query("TRAVEL Budget").indices) <= set(document.indices)
    assert not set(encoder.encode_query("holiday").indices) & set(document.indices)


def test_each_distinct_term_of_a_question_weighs_one(encoder: SparseEncoder) -> None:
    """Said twice is said once."""
    vector = encoder.encode_query("budget travel budget")

    assert vector.values == (1.0, 1.0)
    assert len(set(vector.indices)) == 2


def test_a_term_weighs_by_bm25(encoder: SparseEncoder) -> None:
    """The weight is tf (k + 1) / (tf + k (1 - b + b L / average L)) with k = 1.2, b = 0.75, L = 3 and an average of 80."""
    [document] = encoder.encode_documents(["apple apple pear"])
    [apple], [pear] = encoder.encode_query("apple").indices, encoder.encode_query("pear").indices
    norm = 1.2 * (0.25 + 0.75 * 3 / 80)

    assert weights(document) == pytest.approx({apple: 2 * 2.2 / (2 + norm), pear: 2.2 / (1 + norm)}, rel=1e-6)


def test_a_term_of_a_shorter_text_weighs_more(encoder: SparseEncoder) -> None:
    """Length normalisation."""
    short, long = encoder.encode_documents(["budget", "budget " + "holiday travel portal " * 100])
    [budget] = encoder.encode_query("budget").indices

    assert weights(short)[budget] > weights(long)[budget]


@pytest.mark.parametrize("text", ["", "   ", "... !? —"])
def test_a_text_without_terms_gives_an_empty_vector(encoder: SparseEncoder, text: str) -> None:
    """No error, and nothing to store."""
    assert encoder.encode_documents([text]) == [SparseVector((), ())]
    assert encoder.encode_query(text) == SparseVector((), ())


def test_term_ids_are_distinct_and_fit_32_bits(encoder: SparseEncoder) -> None:
    """As the engines want them."""
    [document] = encoder.encode_documents([" ".join(f"word{n}" for n in range(500)) * 2])

    assert len(set(document.indices)) == len(document.indices) == len(document.values)
    assert all(0 <= term < 2**32 for term in document.indices)


def test_english_words_meet_in_their_stem() -> None:
    """The engine's encoder finds other forms of a word and ignores stop words; the twin does neither."""
    encoder = Bm25Encoder()

    assert encoder.encode_query("approvals") == encoder.encode_query("the approval of")
