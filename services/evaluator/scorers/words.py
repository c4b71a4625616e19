"""The words of a text that say something, as they are compared. English."""

import re

_TOKEN = re.compile(r"[^\W_]+")
_THOUSANDS = re.compile(r",(?<=\d,)(?=\d{3}(?!\d))")
# As few letters as leave a common ending, but three; all of the word if it has none.
_STEM = re.compile(r"([^\W_]{3,}?|[^\W_]{1,2})(?:ing|ies|ied|ed|es|e|(?<!s)s|(?<![aeiou])y)?(?![^\W_])")
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


def stems(text: str) -> list[str]:
    """The same in lower case and without common endings, so that publishes, published and publishing are one."""
    return _STEM.findall(_THOUSANDS.sub("", text.casefold()))
