"""Every decision about access against a naive model that is written another way.

The model does not look for the deciding rule: it walks from the whole twin down to the path, one
segment at a time, and lets what it finds on the way overwrite the answer so far.
"""

from dataclasses import dataclass
from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st

from twinledger.consortium.identities import IdentityRecord
from twinledger.ledger.access import Effect, Permission, PolicyPath, Rule, SignOff, Subject
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.roles import Role
from twinledger.twins.access import Access, Ground
from twinledger.twins.policy import Policy
from twinledger.twins.sign_off import signed_enough

OWNER = MemberName("owner")
MEMBERS = ("owner", "partner", "stranger")
NOW_US = 1_000
EXPIRIES = (None, NOW_US - 1, NOW_US, NOW_US + 1)
PATHS = (
    "",
    "reported",
    "reported/a",
    "reported/a/b",
    "reported/ab",
    "desired/a",
    "relationship",
    "relationship/feeds",
    "relationship/feeds/tank",
)
WHO = [
    IdentityRecord(IdentityName(f"{member}/{role.name.lower()}"), bytes(32), role)
    for member, role in product(MEMBERS, Role)
]
SUBJECTS = [
    "everyone",
    *(f"everyone:{role.name.lower()}" for role in Role),
    *(f"member:{member}" for member in MEMBERS),
    *(f"member:{member}:{role.name.lower()}" for member, role in product(MEMBERS, Role)),
    *(f"identity:{who.identity}" for who in WHO),
]

permissions = st.sets(st.sampled_from(list(Permission)), min_size=1).map(
    lambda chosen: Permission(sum(chosen))
)
rules = st.builds(
    Rule,
    st.sampled_from(PATHS).map(PolicyPath),
    st.sampled_from(SUBJECTS).map(Subject.parse),
    st.sampled_from(Effect),
    permissions,
    st.sampled_from(EXPIRIES),
)


def means(subject: str, who: IdentityRecord) -> bool:
    """Whether a subject, as text, means an identity."""
    member, role = str(who.identity).split("/")[0], who.role.name.lower()
    return subject in {
        "everyone",
        f"everyone:{role}",
        f"member:{member}",
        f"member:{member}:{role}",
        f"identity:{who.identity}",
    }


@dataclass
class NaiveModel:
    """The table of the documentation, read out loud."""

    rules: list[Rule]

    def allows(self, who: IdentityRecord, permission: Permission, path: str) -> bool:
        owns, role = str(who.identity).startswith("owner/"), who.role
        if owns and role is Role.ADMIN and permission in (Permission.READ, Permission.ADMINISTER):
            return True
        if permission is Permission.READ and role in (Role.ADMIN, Role.AUDITOR):
            return True
        default = {
            Role.ADMIN: set(Permission),
            Role.OPERATOR: set(Permission) - {Permission.ADMINISTER},
            Role.DEVICE: {Permission.READ, Permission.WRITE},
            Role.AUDITOR: set[Permission](),
        }[role]
        answer = owns and permission in default
        here = ""
        for segment in [None, *path.split("/")] if path else [None]:
            here = here if segment is None else f"{here}/{segment}".lstrip("/")
            said = {
                rule.effect
                for rule in self.rules
                if rule.path == here
                and permission in rule.permissions
                and means(rule.subject.text, who)
                and (rule.expires_at_us is None or rule.expires_at_us > NOW_US)
            }
            if said:
                answer = Effect.REVOKE not in said
        return answer


@given(st.lists(rules, max_size=12))
@example([])
def test_every_decision_is_the_naive_models(chosen: list[Rule]):
    access = Access(OWNER, Policy(tuple(chosen)), NOW_US)
    model = NaiveModel(chosen)
    for who, permission, path in product(WHO, Permission, PATHS):
        decision = access.decide(who, permission, path)
        assert decision.allowed == model.allows(who, permission, path), (who, permission, path)


@given(st.lists(rules, max_size=12))
def test_a_decision_names_the_rule_that_alone_decides_it(chosen: list[Rule]):
    access = Access(OWNER, Policy(tuple(chosen)), NOW_US)
    for who, permission, path in product(WHO, Permission, PATHS):
        decision = access.decide(who, permission, path)
        if decision.ground is Ground.RULE:
            assert decision.rule is not None
            alone = Access(OWNER, Policy((decision.rule,)), NOW_US)
            assert alone.decide(who, permission, path) == decision


@given(st.lists(rules, max_size=12))
def test_a_twin_shows_itself_exactly_to_those_who_may_read_some_path(chosen: list[Rule]):
    access = Access(OWNER, Policy(tuple(chosen)), NOW_US)
    model = NaiveModel(chosen)
    for who in WHO:
        readable = any(model.allows(who, Permission.READ, path) for path in PATHS)
        assert access.shows(who) == readable


@given(st.lists(rules, max_size=12))
def test_the_owners_admin_is_never_locked_out(chosen: list[Rule]):
    access = Access(OWNER, Policy(tuple(chosen)), NOW_US)
    admin = IdentityRecord(IdentityName("owner/admin"), bytes(32), Role.ADMIN)
    for path in PATHS:
        assert access.decide(admin, Permission.ADMINISTER, path).allowed


parties = st.lists(
    st.sampled_from([text for text in SUBJECTS if not text.startswith("everyone")]),
    min_size=1,
    max_size=5,
    unique=True,
)


@given(parties, st.lists(st.sampled_from(WHO), max_size=5, unique=True), st.integers(1, 5))
def test_signatures_are_counted_as_trying_every_way_would(
    names: list[str], authors: list[IdentityRecord], required: int
):
    sign_off = SignOff(
        PolicyPath(""),
        Permission.WRITE,
        required,
        tuple(Subject.parse(name) for name in names),
    )

    def most(left: list[IdentityRecord], free: frozenset[str]) -> int:
        if not left:
            return 0
        signs = [1 + most(left[1:], free - {party}) for party in free if means(party, left[0])]
        return max([most(left[1:], free), *signs])

    assert signed_enough(sign_off, authors) == (most(authors, frozenset(names)) >= required)


@given(st.lists(rules, max_size=12))
def test_a_policy_is_read_back_as_it_was_written(chosen: list[Rule]):
    policy = Policy()
    for rule in chosen:
        policy = policy.with_rule(rule)
    assert Policy.decode(policy.encode()) == policy
    assert len(policy.rules) == len({(r.path, r.subject, r.effect) for r in chosen})
