"""Verbs and their forms: which base a word may be a form of, and the forms that the prompts need."""

from __future__ import annotations

import typing as t

from ttm_ref.conditions.rules.lexicon import word_set

Form = t.Literal["base", "s", "past", "ing"]

# base, past, participle; the participle is what a passive needs.
_IRREGULAR = """
be was been|begin began begun|bend bent bent|bite bit bitten|blow blew blown|break broke broken|bring brought brought
build built built|burst burst burst|buy bought bought|catch caught caught|climb climbed climbed|come came come
creep crept crept|cut cut cut|dig dug dug|dive dived dived|do did done|draw drew drawn|drink drank drunk
drive drove driven|eat ate eaten|fall fell fallen|feed fed fed|fight fought fought|flee fled fled|fly flew flown
freeze froze frozen|get got got|give gave given|go went gone|grow grew grown|hang hung hung|hide hid hidden
hit hit hit|hold held held|keep kept kept|kneel knelt knelt|lay laid laid|lead led led|lean leaned leaned
leap leapt leapt|leave left left|let let let|lie lay lain|light lit lit|lose lost lost|make made made|meet met met
pay paid paid|put put put|read read read|ride rode ridden|ring rang rung|rise rose risen|run ran run|see saw seen
sell sold sold|send sent sent|set set set|shake shook shaken|shine shone shone|shoot shot shot|shrink shrank shrunk
shut shut shut|sing sang sung|sink sank sunk|sit sat sat|sleep slept slept|slide slid slid|speak spoke spoken
spin spun spun|split split split|spread spread spread|spring sprang sprung|stand stood stood|steal stole stolen
stick stuck stuck|strike struck struck|sweep swept swept|swim swam swum|swing swung swung|take took taken
overtake overtook overtaken|tear tore torn|throw threw thrown|wear wore worn|wind wound wound|write wrote written
have had had
"""
_REGULAR = """
accelerate advance aim appear approach arrive attack bark bathe bloom bob bounce bow box brake breathe brush bump burn
carry charge chase cheer chew chop circle clap clean close collide collapse comb cook cough crack
crash crawl cross cry
cuddle dance dangle decelerate deflate descend dip disappear drag drift drip drop embrace emerge
enter erupt exit expand
explode extend face fade flap flash flicker flip float flow flutter fold follow gallop gaze glance
glide grab grasp graze
groom gyrate hammer handle hover hop hug hunt inflate inspect jog juggle jump keep kick kiss knead
knock land laugh launch
leak lick lift lower lunge march melt merge mix mount move munch nibble nod observe open orbit
overtake pace pack paddle
paint pan park part pass pat paw peck pedal peek peel peer perch perform perk pet pick pivot place
play plunge point poke
polish pop pose pounce pour prance press prowl pull pump punch push race raise rattle reach rear recline recede relax
remain remove repeat rest retreat return revolve ripple roam rock roll rotate row rub rush sail sample scatter scratch
scurry shave shift shiver shoot shovel shuffle sip skate skateboard skid skip slam slap slice slip slither slow smash
smile smoke snap sneeze sniff snow soar somersault splash spray sprint squat squeeze stagger stalk
stamp start stay steer
step stir stop strap stretch stride stroke stroll strum stumble surf sway swerve swirl switch swish
swoop talk tap throb
tilt tiptoe toss touch tour tow trace track trail travel tread tremble trot trudge tuck tug tumble
turn twirl twist twitch
type unfold unroll use vanish vibrate visit wade waddle wag wait walk wander wash watch water wave
weave whip whirl whisk
whistle wiggle wink wipe wobble work wrap wrestle yawn zigzag zoom type spot look watch admire
enjoy show depict feature
capture display portray present contain try help chat stare sprinkle strut guide attempt continue operate adjust hurl
fetch bury sneak nuzzle munch gulp swallow squirm sprawl waltz curtsy salute applaud type assemble erupt thrash hatch
collect deliver gather gnaw jerk lasso mow plow rummage sew sharpen skim sled sledge snatch sniffle sob strum sunbathe
scoop seat dress fill cover surround decorate tie gesture shrug crouch bend uncover topple tip balance flail dribble
"""
# What these verbs act on is moved by them.
MANIPULATION = word_set(
    "lift throw catch shake turn spin hold push pull kick hit toss roll drag carry raise lower swing drop flip "
    "rotate twist wave shuffle slide move bounce pick grab juggle launch fly drive ride steer pedal tilt tip open "
    "close fold unfold squeeze stir knead peel chop slice cut hammer shovel row pump whip whisk strike hurl scoop "
    "dribble balance bring put place take give hand tug tow topple wiggle twirl swirl wind fling "
    "strap unroll knock dunk"
)
STATIVE = word_set(
    "be sit stand lie hang rest wear have look watch see show depict feature capture display contain appear seem "
    "face hold pose perch recline observe admire enjoy gaze stare sleep relax wait park seat dress fill cover "
    "surround decorate remain stay"
)
LIGHT = word_set("do perform make have take give execute complete")
CAUSATIVE = word_set("make let watch see help")

_ROWS = [row.split() for line in _IRREGULAR.strip().splitlines() for row in line.split("|")]
PARTICIPLES = {base: participle for base, _, participle in _ROWS}
_PAST = {form: base for base, past, participle in _ROWS for form in (past, participle) if form != base}
BASES = frozenset(_REGULAR.split()) | frozenset(PARTICIPLES) | MANIPULATION | STATIVE | LIGHT
# Nouns far more often than verbs, whatever their ending.
_NOUNS = word_set(
    "left wound stuffed wings ring rings ground saw felt rose lay shot blues lit buildings glasses "
    "pants jeans stairs shorts boots skates blocks sheets paints"
)


def analyse(word: str) -> tuple[str, Form] | None:
    """The base and form of a word that may be a verb of the lexicon, or None."""
    if word in _NOUNS:
        return None
    if word in BASES:
        return word, "base"
    if word in _PAST:
        return _PAST[word], "past"
    for ending, form in (("s", "s"), ("es", "s"), ("ing", "ing"), ("ed", "past")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            base = _stem(word[: -len(ending)])
            if base:
                return base, t.cast("Form", form)
    return None


def _stem(stem: str) -> str:
    """The base of which an ending left `stem`, or ""."""
    tries = [stem, stem + "e"]
    if len(stem) > 2 and stem[-1] == stem[-2]:
        tries.append(stem[:-1])
    if stem.endswith("i"):
        tries.append(stem[:-1] + "y")
    if stem.endswith("y"):
        tries.append(stem[:-1] + "ie")
    return next((base for base in tries if base in BASES), "")


def guess(word: str) -> tuple[str, Form]:
    """The base and form of a word that must be a verb by its place, though it is not in the lexicon."""
    if word.endswith("ing"):
        stem = word[:-3]
        return (stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz" else stem), "ing"
    if word.endswith("ed"):
        return word[:-2], "past"
    if word.endswith("s"):
        return word[:-1], "s"
    return word, "base"


def third_person(base: str) -> str:
    """The form "walks" of "walk"; the auxiliaries too."""
    fixed = {"be": "is", "have": "has", "do": "does", "go": "goes"}
    if base in fixed:
        return fixed[base]
    if base.endswith(("s", "sh", "ch", "x", "z")):
        return base + "es"
    if base.endswith("y") and base[-2:-1] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


def participle(base: str) -> str:
    """The participle: "lifted" of "lift", "thrown" of "throw"."""
    if base in PARTICIPLES:
        return PARTICIPLES[base]
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2:-1] not in "aeiou":
        return base[:-1] + "ied"
    doubles = len(base) > 2 and base[-1] not in "aeiouwxy" and base[-2] in "aeiou" and base[-3] not in "aeiou"
    return base + (base[-1] if doubles and _short(base) else "") + "ed"


def _short(base: str) -> bool:
    """One syllable: the last consonant doubles ("flip", not "lower")."""
    return sum(letter in "aeiou" for letter in base) == 1
