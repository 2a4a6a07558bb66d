"""What the free texts of a CT series say: contrast, kernel, body part, projections, perfusion. Guesswork, in one place.

Scanners of all makes and sites word these as they like. The description speaks for the series and the protocol only
where that is silent, since one protocol names a whole examination ('STROKE NCCT CTA CTP'). A contrast agent in the
header is contrast, whatever names say. Words are matched whole, in any case, with underscores as spaces.
"""

from __future__ import annotations

import re

from runtime.study import Series

SHARPEST_SOFT_KERNEL = 44
BONE_KERNEL = 55
"""Siemens numbers kernels by sharpness: H31s and Hr40 are soft, H50s between, H60s and Hr59 for bone."""


def _words(*words: str) -> re.Pattern[str]:
    """Any of `words` (regular expressions), whole and in any case; an underscore ends a word as a space does."""
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(words)})(?![^\W_])", re.IGNORECASE)


_LOCALIZER = _words(r"scout", r"topogram", r"surview", r"localizer", r"scano\w*")
_PERFUSION = _words(
    r"perf", r"perfusion\w*", r"ctp", r"dyn\w*", r"bolus\w*", r"track\w*", r"(?:pre)?monitoring", r"smartprep",
)  # fmt: skip
_NO_AGENT = re.compile(r"(?:(?:no|none|nil|without|w/o|n/?a|n|0|-+|\.)(?:\s*contrast)?)?", re.IGNORECASE)
_BOTH = _words(r"w/?wo", r"w/? ?(?:and|&) ?w/?o", r"w w/?o", r"with (?:and|&) without", r"w/?o? ?\+ ?w")
_ANGIOGRAPHY = _words(r"[^\W_]*angio[^\W_]*", r"[^\W_]*venogra[^\W_]*", r"cta", r"ctv", r"cow")
_PLUS = re.compile(r"(?<![^\W_])c\+|\+c(?![^\W_]|[ -]?sp)", re.IGNORECASE)
"""'C+' or 'HEAD+C', but not 'HEAD+C-Spine'."""
_AGENT = r"(?:[ck]ontrast\w*|enhanced|ce|cect|km|inject\w*)"
_AGENT_NAMED = _words(_AGENT)
_DENIAL = r"(?:non?|none|without|w/?o(?:ut)?|sans|ohne|kein\w*|sin|pre)"
_AGENT_DENIED = _words(rf"{_DENIAL}[ _.-]*(?:i\.?v\.?[ _.-]*)?{_AGENT}")
_PLAIN = _words(r"nativ\w*", r"plain", r"unenhanced", r"nc", r"ncct", r"nect", r"c-", r"non[ _-]?con")
_PROCEDURE = r"(?:[ _-]*(?:op|surg|crani|coil|clip|trauma|evac|treat|thromb|tpa|lysis|fall|resect|interv|stent))"
_PERHAPS_CONTRAST = _words(
    r"delay\w*", r"venous\w*", r"arteri\w*", rf"post(?!{_PROCEDURE})", r"with",
    r"w/?(?!/?o(?:ut)?(?![^\W_]))",
)  # fmt: skip
_COMPUTED = _words(
    r"t?mip", r"minip", r"vrt?", r"ssd", r"vnc", r"iodine", r"cb[fv]", r"mtt", r"ttp", r"tmax", r"pbv", r"mono\w*",
    r"rho",
)  # fmt: skip
_BONE = _words(r"bones?", r"bone\w*", r"knochen\w*", r"edge", r"inner ?ear", r"iac", r"petrous\w*")
_BONE_KERNEL = _words(r"bone\w*\+?", r"edge", r"detail", r"lung", r"fc[38]\d", r"y?[de]", r"sharp")
_NUMBERED_KERNEL = _words(r"[bhju][a-z]?(\d\d)[a-z]?")
_OTHER_PARTS = _words(
    r"chest", r"thorax", r"abd\w*", r"pelvis", r"lungs?", r"heart", r"cardiac", r"\w-?spine", r"spine", r"neck",
    r"knee", r"hip", r"leg", r"foot", r"arm", r"shoulder", r"sinus(?:es)?", r"orbits?", r"facial", r"extremity",
)  # fmt: skip
_HEAD_PARTS = _words(
    r"head", r"brain", r"skull", r"crani\w*", r"sch(?:ae|ä)del", r"neuro", r"cerebr\w*", r"kopf", r"stroke"
)


def _name(series: Series) -> str:
    return series.description or series.protocol


def is_localizer(series: Series) -> bool:
    return bool(_LOCALIZER.search(_name(series)))


def is_perfusion(series: Series) -> bool:
    """Perfusion, and the bolus tracking before an angiography."""
    return bool(_PERFUSION.search(_name(series)))


def has_contrast_agent(series: Series) -> bool:
    """ContrastBolusAgent (0018,0010) holds anything but a word for none."""
    return not _NO_AGENT.fullmatch(series.contrast_agent.strip())


def is_named_enhanced(series: Series) -> bool:
    """Contrast by name; 'with and without' is taken for with, since the enhanced part can't be told apart.

    A 'no' or 'pre' denies the agent that stands right behind it and nothing else ('CTA HEAD PRE OP' is a CTA), and
    nothing denies an angiography. Words that mean contrast only as a rule ('post', 'delayed') give way to 'plain'.
    """
    name = _name(series)
    rest, denials = _AGENT_DENIED.subn(" ", name)
    if any(one.search(name) for one in (_BOTH, _ANGIOGRAPHY, _PLUS)) or _AGENT_NAMED.search(rest):
        return True
    return bool(_PERHAPS_CONTRAST.search(rest)) and not denials and not _PLAIN.search(name)


def is_computed(series: Series) -> bool:
    """Projections (MIP, VR) and maps (perfusion, dual energy)."""
    return bool(_COMPUTED.search(_name(series)))


def is_other_part(series: Series) -> bool:
    """A part of the body that is no head, by the first text that names a part: one protocol holds several."""
    for text in (series.description, series.body_part, series.protocol):
        if _HEAD_PARTS.search(text):
            return False
        if _OTHER_PARTS.search(text):
            return True
    return False


def is_bone(series: Series) -> bool:
    """A kernel for bone, or a name that says so."""
    return bool(
        _BONE.search(series.description) or _BONE_KERNEL.search(series.kernel) or _sharpness(series) >= BONE_KERNEL
    )


def is_sharp(series: Series) -> bool:
    """Between soft and bone: usable where there is nothing softer."""
    return _sharpness(series) > SHARPEST_SOFT_KERNEL


def _sharpness(series: Series) -> int:
    """The number of a Siemens kernel, as the kernel or in the name; 0 for others."""
    numbers = _NUMBERED_KERNEL.findall(f"{series.kernel} {series.description}")
    return max(map(int, numbers), default=0)
