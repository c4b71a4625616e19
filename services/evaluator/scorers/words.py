"""The words of a text that say something, as they are compared. English."""

import re

_TOKEN = re.compile(r"[^\W_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ENDINGS = ("ing", "ed", "es", "s")
_SHORTEST = 3
_STOP = """
a about above after again all also am an and any are as at be because been before being below between both but by can could did do
does doing don down during each either else few for from further had has have having he her here hers him his how however i if in into
is it its itself just may me might more most must my no nor not now of off on once one only or other our out over own per rather s same
shall she should so some such t than that the their them then there therefore these they this those through thus to too under until up
upon us very via was we were what when where whether which while who whom whose why will with within without would yes you your
"""
STOP_WORDS = frozenset(_STOP.split())


def tokens(text: str) -> list[str]:
    """Words and numbers as they stand; 1,000 is 1000."""
    return _TOKEN.findall(_THOUSANDS.sub("", text))


def said_by(text: str) -> set[str]:
    """The stems of all its words."""
    return {stem(token) for token in tokens(text)}


def stem(token: str) -> str:
    """The word in lower case without a common ending, so that publishes, published and publishing are one."""
    word = token.casefold()
    if word.endswith("ies") and len(word) > len("ies") + 1:
        return word[:-3] + "y"
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= _SHORTEST), "")
    bare = word.removesuffix(ending) if not word.endswith("ss") else word
    return bare.removesuffix("e") if len(bare) > _SHORTEST else bare
