"""Features of a prompt that one pass over a bounded text can count, each between 0 and about 1.

The words are English ones. A prompt in another language has the rest: its length, its code, its formulas, its lists.
"""

from math import log1p, sqrt

import msgspec

HEAD, TAIL = 1536, 512  # characters that are looked at: the ends of a long prompt say what is wanted
STEM = 6  # letters by which a word is known
SHORT = 16  # words


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HARD = _words("""
    prove proof derive deriva deduce why explai analys analyz compar contra evalua critiq design archit optimi debug
    debugg refact implem algori tradeo strate diagno reason justif estima simula formal theore deadlo race migrat
    calcul solve probab constr invest propos discus assess
""")
_EASY = _words("""
    transl summar list define defini rewrit rephra spell capita hello hi thanks thank synony conver format classi
    extrac label title name shorte sentim correc greet opposi plural
""")
_CONDITIONS = _words("must least most exactl withou except unless only more suppos assume ensure while given")
_LOOKUPS = _words("what who when where which is are does did how")
_CODE = ("{", "}", ";\n", "()", "```", "def ", "return", "==", "->", "import ", "SELECT ", "::")
_MATHS = (" = ", "^", "\\frac", "\\sum", "\\int", "\\sqrt", "∑", "∫", "√", "≤", "≥", "∀", "∃", " + ", " * ", "O(")
_PARTS = ("\n-", "\n*", "\n1", "\n2", "\n3", "\n4", "(a)", "(b)", "(c)", "?", ";", " then ")
_PLAIN = str.maketrans(dict.fromkeys(".,:;!?\"'`()[]{}<>/\\|*#=+-_\n\t", " "))


class Weights(msgspec.Struct, frozen=True):
    """What each feature adds to the log-odds of being hard. The features, in order: ``features`` says how each is read.

    bias: Of every prompt.
    length: Of its text, logarithmic.
    context: Of the whole body, logarithmic.
    turns: Messages before it, logarithmic.
    hard_words: As "prove", "debug", "trade-off".
    easy_words: As "translate", "capital of".
    conditions: As "must", "at least", "unless".
    code: Lines and calls that look like a program.
    maths: Formulas and equations.
    parts: Points of a list and questions.
    long_words: Their mean length.
    lookup: Whether it begins as a short question does ("what", "who", "is").
    """

    bias: float = 0.0
    length: float = 0.0
    context: float = 0.0
    turns: float = 0.0
    hard_words: float = 0.0
    easy_words: float = 0.0
    conditions: float = 0.0
    code: float = 0.0
    maths: float = 0.0
    parts: float = 0.0
    long_words: float = 0.0
    lookup: float = 0.0


def features(text: str, size: int, turns: int) -> tuple[float, ...]:
    """The features in the order of ``Weights``. ``text``: what was asked; ``size``: bytes of the whole body."""
    seen = text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"
    words = seen.lower().translate(_PLAIN).split()
    stems = {word[:STEM] for word in words}
    return (
        1.0,
        min(log1p(len(text)) / 10, 1.0),
        min(log1p(size) / 15, 1.0),
        min(log1p(turns) / 4, 1.0),
        _share(len(stems & _HARD), 4),
        _share(len(stems & _EASY), 4),
        _share(len(stems & _CONDITIONS), 4),
        _share(sum(map(seen.count, _CODE)), 12),
        _share(sum(map(seen.count, _MATHS)), 8),
        _share(sum(map(seen.count, _PARTS)), 8),
        min(sum(map(len, words)) / (10 * len(words)), 1.0) if words else 0.0,
        float(0 < len(words) < SHORT and words[0] in _LOOKUPS),
    )


def _share(count: int, most: int) -> float:
    """Of ``most``; the first few say the most."""
    return sqrt(min(count / most, 1.0))
