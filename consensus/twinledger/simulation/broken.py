"""How a world ends that is not sound."""


class InvariantBroken(Exception):  # noqa: N818 - named as the thing it reports
    """Something that must hold in every world did not.

    `story` is what a person needs to find out why: seed, knobs and the last events.
    """

    def __init__(self, name: str, detail: str) -> None:
        """`name` is the invariant's, always the same words; `detail` says who and where."""
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail
        self.story = ""

    def __str__(self) -> str:
        """Return the whole story, so that any test runner prints it."""
        return f"{self.name}: {self.detail}\n{self.story}".rstrip()
