"""The closed classes of English words that the rules look at, and the open ones that matter for motion.

Words that are in no list are taken for nouns unless their place in the sentence makes them verbs.
"""

from __future__ import annotations


def word_set(words: str) -> frozenset[str]:
    """The words of a string."""
    return frozenset(words.split())


SINGULAR = word_set("a an this each every another")
DETERMINERS = SINGULAR | word_set("the these those some any no both all other")
POSSESSIVES = word_set("his her its their my your our")
NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12,
}  # fmt: skip
MANY = word_set("several many few multiple various numerous dozens")
PRONOUNS = word_set("he she it they him them himself herself itself themselves we you i there")
AUXILIARIES = word_set(
    "is are was were be been being has have had does do did can could will would may might must should isn't aren't"
)
CONJUNCTIONS = word_set("and or but")
# A clause after one of these stands beside the main one; after `NESTING` it belongs to the main clause.
BESIDE = word_set("while as whereas")
NESTING = word_set("until when before after because since once if so where though although")
RELATIVE = word_set("who which that")
PREPOSITIONS = word_set(
    "in on at to into onto of off from with without by for about above below under beneath underneath over across "
    "along through behind beside besides between among amid against around round near past toward towards up down "
    "out inside outside within upon like via during alongside atop beyond opposite"
)
PARTICLES = word_set("up down in out off on over around round away back along past through by across")
ADVERBS = word_set(
    "then still again together forward forwards backward backwards sideways upward upwards downward downwards "
    "away back ahead apart once twice clockwise counterclockwise anticlockwise too also very now soon fast "
    "straight almost just not never always often first finally afterwards closer farther further home left right "
    "here everywhere aside meanwhile suddenly overhead nearby outdoors indoors left-to-right alone upright high "
    "higher low lower motionless"
)
NOT_ADVERBS = word_set(
    "fly family belly jelly butterfly dragonfly ugly curly friendly lovely silly woolly elderly assembly lily bully"
)
PHRASES = {
    "in front of": "PREP", "on top of": "PREP", "next to": "PREP", "close to": "PREP", "out of": "PREP",
    "away from": "PREP", "because of": "PREP", "ahead of": "PREP", "instead of": "PREP", "in front": "PLACE",
    "side by side": "PLACE", "up and down": "ADV", "back and forth": "ADV", "from side to side": "ADV",
    "left and right": "ADV", "in and out": "ADV", "to and fro": "ADV", "round and round": "ADV", "in place": "ADV",
    "at the same time": "ADV", "as well as": "CONJ", "as well": "ADV", "at once": "ADV", "on the spot": "ADV",
    "in the background": "PLACE", "in the foreground": "PLACE", "in the distance": "PLACE", "at the back": "PLACE",
    "in slow motion": "ADV", "in unison": "ADV", "at rest": "ADV", "one after another": "ADV", "all over": "PREP",
}  # fmt: skip

COLOURS = word_set(
    "red orange yellow green teal blue purple pink brown white black grey gray silver golden gold beige turquoise "
    "cyan magenta violet maroon navy tan cream ivory crimson scarlet indigo lilac bronze blonde blond ginger"
)
SIZES = word_set(
    "small large big tiny huge little tall short long wide narrow giant gigantic enormous massive miniature "
    "medium medium-sized mid-sized thick thin"
)
SIDES = {
    "left": "left", "leftmost": "left", "left-hand": "left", "right": "right", "rightmost": "right",
    "right-hand": "right", "upper": "upper", "top": "upper", "lower": "lower", "bottom": "lower", "middle": "middle",
    "central": "middle", "center": "middle", "centre": "middle", "front": "front", "back": "back", "rear": "back",
    "first": "first", "second": "second", "third": "third", "other": "other",
}  # fmt: skip
ADJECTIVES = word_set(
    "plain bright dark light pale vivid old young new upright round flat full empty open wooden metal stone "
    "plastic steel wet dry warm cool clear calm quiet busy black-and-white happy sad cute adult baby male female "
    "classic modern vintage wild tame loose soft hard smooth rough deep shallow clean dirty strong weak same "
    "different several dense lush bare quick slow gentle steady sharp perfect whole electric single double asleep "
    "awake alone tight"
)
ADJECTIVE_ENDINGS = ("ful", "ous", "ish", "less", "ive", "able", "ible", "ic", "ary", "-coloured", "-colored")

PERSONS = {
    "man": "he", "boy": "he", "guy": "he", "gentleman": "he", "father": "he", "king": "he", "woman": "she",
    "girl": "she", "lady": "she", "mother": "she", "queen": "she", "ballerina": "she",
}  # fmt: skip
PEOPLE = frozenset(PERSONS) | word_set(
    "person child baby toddler kid adult teenager rider cyclist skater surfer skier snowboarder dancer runner "
    "player chef cook worker farmer driver soldier singer musician guitarist drummer pianist climber swimmer "
    "diver paraglider skateboarder gymnast boxer athlete goalkeeper pedestrian couple astronaut clown acrobat "
    "wizard knight people men women children crowd audience passenger biker jogger hiker sailor fisherman "
    "photographer bride groom student teacher doctor nurse someone friend surgeon"
)
ANIMALS = word_set(
    "animal dog puppy cat kitten bird horse pony cow bull calf sheep lamb goat pig piglet elephant giraffe zebra "
    "lion lioness tiger leopard cheetah bear panda monkey gorilla chimpanzee ape kangaroo koala penguin emu "
    "ostrich parrot eagle hawk owl duck duckling goose swan chicken hen rooster chick seagull gull pigeon crow "
    "sparrow fish goldfish shark whale dolphin seal otter turtle tortoise crab lobster octopus jellyfish squid "
    "frog toad snake lizard crocodile alligator dinosaur dragon unicorn rabbit bunny hare hamster mouse rat "
    "squirrel fox wolf deer stag moose elk camel llama alpaca donkey hippo rhino raccoon badger hedgehog bat bee "
    "butterfly dragonfly ladybug ant spider caterpillar snail worm insect fly mosquito beetle creature monster "
    "robot puppet teddy doll fishes"
)
ANIMATE = PEOPLE | ANIMALS
VEHICLES = word_set(
    "car truck bus taxi van bicycle bike motorcycle motorbike scooter boat ship canoe train tram plane airplane "
    "helicopter drone tractor skateboard sled"
)
CAMERA = word_set("camera view viewpoint shot perspective zoom frame")
MEDIUM = word_set("video image scene clip footage animation picture photo photograph film painting illustration")
SHOWS = word_set("show depict feature capture display portray present contain see")
# Things that stand about: named as a subject of "stands", "lies" or "is", they are no object that can move.
SCENERY = word_set(
    "pillar beam column wall fence gate tree forest wood bush plant grass lawn field meadow hill mountain rock "
    "cliff valley river lake sea ocean beach sand sky cloud sun moon horizon ground floor ceiling road street "
    "path pavement sidewalk house building tower bridge city town village room bedroom kitchen garden park yard "
    "window table desk counter shelf sofa couch chair bench bed carpet rug background foreground scenery "
    "landscape surface light shadow snow mat lamp curtain door stairs step pole sign terrarium hall gym stage"
)
NO_THING = word_set(
    "sky background foreground scenery landscape weather day night time times way rest everything nothing air "
    "light lighting atmosphere mood focus movement motion distance size speed place direction style quality music"
)
BODY = word_set(
    "arm leg hand foot feet head tail wing ear eye mouth hair paw body back finger nose trunk face neck shoulder "
    "knee hip beak fin tongue hoof wrist lip mane fur"
)
FLUIDS = word_set("water coffee tea milk juice sauce oil smoke steam sand wine beer soup paint sugar salt flour")
CLOTHES = word_set(
    "shirt jeans jacket coat dress skirt trousers pants shorts shoe boot hat cap helmet sweater hoodie suit "
    "uniform sportswear clothes clothing outfit glove scarf glasses sunglasses harness vest costume robe apron "
    "kimono swimsuit bikini saddle collar backpack beard skates sneaker t-shirt tshirt blouse leggings sock armor "
    "armour cape"
)
# Nouns that say which way or how something moves, so that what stands before and after them is motion.
COURSE = word_set(
    "left right top bottom edge side side corner center centre middle camera viewer frame screen circle loop arc "
    "spiral zigzag curve line figure way direction place size speed half quarter synchronization synchrony unison "
    "rhythm pace axis front row formation somersault cartwheel flip turn motion"
)
QUANTITY = {"group": 0, "herd": 0, "flock": 0, "pack": 0, "team": 0, "crowd": 0, "bunch": 0, "number": 0, "school": 0,
            "swarm": 0, "lot": 0, "pair": 2, "couple": 2, "trio": 3}  # fmt: skip
# Where something is, not where it goes.
PLACES = word_set(
    "in on at near above below under beneath underneath along across through amid among against beside next-to "
    "inside outside within upon during alongside atop opposite by like for about of via beyond"
)
IRREGULAR_PLURALS = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "feet": "foot", "geese": "goose",
    "mice": "mouse", "teeth": "tooth", "wolves": "wolf", "leaves": "leaf", "gentlemen": "gentleman", "calves": "calf",
    "fishermen": "fisherman", "hooves": "hoof",
}  # fmt: skip
SINGULAR_S = word_set(
    "bus glass dress cross grass gymnast moss gas octopus lens chess hippopotamus canvas harness walrus"
)


_KNOWN_S = ANIMATE | SCENERY | BODY | CLOTHES


def is_plural(noun: str) -> bool:
    """Whether a noun has the form of a plural."""
    if noun in IRREGULAR_PLURALS:
        return True
    if noun.endswith("s") and noun[:-1] in _KNOWN_S:
        return True
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is")) and noun not in SINGULAR_S


def singular(noun: str) -> str:
    """The singular of a plural; other words as they are."""
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    if not is_plural(noun):
        return noun
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("ches", "shes", "sses", "uses", "xes", "zes")) and noun not in ("houses", "horses"):
        return noun[:-2]
    return noun[:-1]


def is_adjective(word: str) -> bool:
    """Whether a word before a noun is certainly an adjective."""
    return (
        word in ADJECTIVES
        or word in COLOURS
        or word in SIZES
        or word in SIDES
        or word.endswith(ADJECTIVE_ENDINGS)
        or (len(word) > 4 and word.endswith(("ed", "ing", "y")) and word not in NOT_ADVERBS and word not in ANIMATE)
    )


def is_colour(word: str) -> bool:
    """Whether a word names a colour, alone or as in "rainbow-coloured"."""
    return word in COLOURS or word.endswith(("coloured", "colored", "colorful", "colourful"))
