"""Which Elixir, which OTP: the choice out of what is requested and what the shipped tables know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relbuild.elixir.versions import OtpVersion, Requirement, Version
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Unknown
from relbuild.mix.toolchain.pins import Pin
from relbuild.mix.toolchain.tables import ELIXIR_NEWEST, ELIXIR_OTP

# The first Elixir that has `mix release` (its changelog).
_RELEASES = Version(1, 9, 0)


@dataclass(frozen=True, slots=True)
class Choice:
    """A version that was settled on, and who said so: a file and its line, "default", a Debian release."""

    value: str
    source: str
    at: Mark | None = None
    asked: str | None = None
    """What was written, where that is only a beginning of the value: 1.18 for 1.18.5."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The requirements on Elixir, at least one: that of mix.exs, and in an umbrella those of its applications'."""

    requirements: tuple[tuple[Requirement, Mark], ...]

    @property
    def at(self) -> Mark:
        """The place of the first."""
        return self.requirements[0][1]

    @property
    def source(self) -> str:
        """Their places and their texts."""
        return " and ".join(f"{at.brief} ({each.source})" for each, at in self.requirements)

    @property
    def refusal(self) -> str:
        """The beginning of a sentence, to be followed by what they don't allow."""
        return f"{self.source} {'does' if len(self.requirements) == 1 else 'do'} not allow"

    def admits(self, version: str) -> bool:
        """Tell whether all of them allow a version; what is no version, a git ref, they can't judge."""
        return self.against(version) is None

    def against(self, version: str) -> Rule | None:
        """Return those of them that don't allow a version; None when all do."""
        parsed = Version.parse(version)
        refusing = tuple(each for each in self.requirements if parsed is not None and not each[0].admits(parsed))
        return Rule(refusing) if refusing else None

    def allows(self, version: Version) -> bool:
        """Tell whether all of them allow a version."""
        return all(each.admits(version) for each, _ in self.requirements)


def rule(facts: tuple[Known[str] | Unknown, ...], notes: list[str]) -> Rule | None:
    """Return what the mix.exs require; None when it is nothing or can't be read, which is noted.

    Raises ProjectError for a requirement that Mix itself would refuse.
    """
    found = []
    for fact in facts:
        if isinstance(fact, Unknown):
            notes.append(f"{fact.at.brief}: the Elixir it requires is unknown: {fact.reason}")
            continue
        parsed = Requirement.parse(fact.value)
        if parsed is None:
            raise ProjectError(
                f"elixir: {fact.value!r} is no version requirement", at=fact.at, hint='write one such as "~> 1.15"'
            )
        found.append((parsed, fact.at))
    return Rule(tuple(found)) if found else None


def supported(elixir: Version) -> tuple[int, ...] | None:
    """Return the OTP majors an Elixir supports, or None when relbuild's table doesn't know it."""
    support = ELIXIR_OTP.get(elixir.line)
    if support is None:
        return None
    also = (support.also,) if support.also is not None and elixir.patch >= support.also_from_patch else ()
    return (*range(support.first, support.last + 1), *also)


def best_otp(elixir: Version | None, there: tuple[int, ...]) -> int:
    """Return the newest of the OTP majors there are that the Elixir was made for.

    One that a patch release only took up later is the last resort.
    """
    support = ELIXIR_OTP.get(elixir.line) if elixir else None
    if elixir is None or support is None:
        return max(there)
    made_for = [major for major in there if support.first <= major <= support.last]
    return max(made_for or [major for major in supported(elixir) or () if major in there] or [support.last])


def choose_elixir(
    pin: Pin | None, rule: Rule | None, otp_pin: Pin | None, newest: Mapping[str, int], notes: list[str]
) -> Choice:
    """Return the Elixir to build with: what is pinned, else the newest that mix.exs and the OTP allow.

    Raises ProjectError when the pinned one is unknown or breaks mix.exs's requirement, or none fits.
    """
    if pin is not None and pin.version:
        choice = _pinned(pin, pin.version, rule, newest, notes)
        refuse(choice, rule)
        return choice
    otp = OtpVersion.parse(otp_pin.version) if otp_pin and otp_pin.version else None
    running = [
        version for version in versions(newest) if otp is None or otp.major in (supported(version) or (otp.major,))
    ]
    fitting = [version for version in running if rule is None or rule.allows(version)]
    if fitting:
        value = str(max(fitting))
        if pin is not None:
            return Choice(value, pin.source, pin.at, pin.text)
        return Choice(value, rule.source, rule.at) if rule else Choice(value, "default")
    raise _none_fits(rule if running else None, otp_pin if otp else None, newest)


def _none_fits(rule: Rule | None, otp: Pin | None, newest: Mapping[str, int]) -> ProjectError:
    """Return the error that no Elixir is allowed by the one and runs on the other."""
    if rule is None and otp is not None:
        majors = sorted({major for line in newest for major in supported(_newest_of(line)) or ()})
        return ProjectError(
            f"relbuild knows no Elixir that runs on OTP {otp.version} ({otp.source})",
            at=otp.at,
            hint=f"take one of OTP {', '.join(map(str, majors))}",
        )
    runs = f" and runs on OTP {otp.version} ({otp.source})" if otp else ""
    return ProjectError(
        f"relbuild knows no Elixir that is allowed by {rule.source if rule else 'mix.exs'}{runs}",
        at=rule.at if rule else None,
        hint=f"change {'one of them' if otp else 'it'}: relbuild knows Elixir {_known(newest)}",
    )


def versions(newest: Mapping[str, int]) -> tuple[Version, ...]:
    """Return every release of the lines, oldest first."""
    return tuple(
        Version(int(major), int(minor), number)
        for (major, minor), patch in ((line.split("."), patch) for line, patch in newest.items())
        for number in range(patch + 1)
    )


def refuse(choice: Choice, rule: Rule | None) -> None:
    """Raise ProjectError when mix.exs does not allow the Elixir, or it is too old to make a release."""
    refusing = rule.against(choice.value) if rule is not None else None
    if refusing is not None:
        raise ProjectError(
            f"{choice.source} asks for Elixir {choice.value}, {refusing.refusal} it",
            at=choice.at,
            hint="change one of them: Mix would refuse to compile the project",
        )
    _refuse_old(choice.value, choice.source, choice.at)


def _refuse_old(text: str, source: str, at: Mark | None) -> None:
    version = Version.parse(text) or Version.parse(f"{text}.0")
    if version is not None and version < _RELEASES:
        raise ProjectError(
            f"{source} asks for Elixir {text}, which has no mix release: that came with Elixir {_RELEASES.line}",
            at=at,
            hint=f"ask for a newer one, there or with elixir: in relbuild.yml; relbuild knows {_known(ELIXIR_NEWEST)}",
        )


def _known(newest: Mapping[str, int]) -> str:
    return ", ".join(f"{line}.{patch}" for line, patch in newest.items())


def _pinned(pin: Pin, text: str, rule: Rule | None, newest: Mapping[str, int], notes: list[str]) -> Choice:
    exact = Version.parse(text)
    if exact is not None:
        if exact.line not in newest or exact.patch > newest[exact.line]:
            notes.append(f"{pin.source} asks for Elixir {exact}, which is not in relbuild's table: taken at its word")
        return Choice(str(exact), pin.source, pin.at)
    found = [version for version in versions(newest) if f"{version}.".startswith(f"{text}.")]
    if not found:
        _refuse_old(text, pin.source, pin.at)
        raise ProjectError(
            f"{pin.source} asks for Elixir {text}, of which relbuild knows no release",
            at=pin.at,
            hint=f"write the whole version; relbuild knows {_known(newest)}",
        )
    allowed = [version for version in found if rule is None or rule.allows(version)]
    return Choice(str(max(allowed or found)), pin.source, pin.at, pin.text)


def check_pair(elixir: Choice, otp: Choice, otp_version: OtpVersion) -> None:
    """Raise ProjectError when the Elixir does not support the OTP; a pair that the table doesn't know passes."""
    version = Version.parse(elixir.value)
    majors = supported(version) if version else None
    if version is None or majors is None or otp_version.major in majors:
        return
    lines = [line for line in ELIXIR_NEWEST if otp_version.major in (supported(_newest_of(line)) or ())]
    other = f"; OTP {otp_version.major} is supported by Elixir {', '.join(lines)}" if lines else ""
    raise ProjectError(
        f"Elixir {elixir.value} ({elixir.source}) does not run on OTP {otp_version} ({otp.source})",
        at=elixir.at or otp.at,
        hint=f"Elixir {elixir.value} supports OTP {', '.join(map(str, sorted(majors)))}{other}",
    )


def _newest_of(line: str) -> Version:
    major, minor = line.split(".")
    return Version(int(major), int(minor), ELIXIR_NEWEST.get(line, 0))
