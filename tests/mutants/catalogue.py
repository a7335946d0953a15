"""Small wrong edits of the consensus core, each of them a bug that somebody has shipped or could.

`scripts/mutants` applies them one at a time to a copy and shows which test kills each; all must
die. A mutant whose `old` text is not found exactly once is out of date, which is a failure too.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One edit: in `file` of the core, `old` becomes `new`."""

    name: str
    file: str
    old: str
    new: str


MUTANTS = (
    # What must be durable before it is said (S1, S2, L5, L6).
    Mutant(
        "vote-not-persisted",
        "raft.py",
        "        hard_state = core.hard_state if core.unsaved else None\n",
        "        hard_state = HardState(core.term, None) if core.unsaved else None\n",
    ),
    Mutant(
        "term-not-persisted",
        "raft.py",
        "        hard_state = core.hard_state if core.unsaved else None\n",
        "        hard_state = HardState(Term(0), core.vote) if core.unsaved else None\n",
    ),
    Mutant(
        "promises-leave-before-the-sync",
        "core.py",
        "        (self.outbox.promises if waits else self.outbox.messages).append(message)",
        "        self.outbox.messages.append(message)",
    ),
    Mutant(
        "repeated-promise-does-not-wait-for-the-write-under-way",
        "core.py",
        "waits = self.outbox.tickets or self.unsaved or",
        "waits = self.unsaved or",
    ),
    Mutant(
        "own-vote-counted-before-the-sync",
        "election.py",
        "    roles.become_candidate(core)\n",
        "    roles.become_candidate(core)\n    core.votes[core.node] = True\n",
    ),
    Mutant(
        "candidate-asks-before-its-own-sync",
        "election.py",
        "        core.promise(\n            VoteRequest(",
        "        core.send(\n            VoteRequest(",
    ),
    Mutant(
        "leader-counts-itself-before-its-sync",
        "committing.py",
        "match[core.node] = core.log.stable",
        "match[core.node] = core.log.last_index",
    ),
    Mutant(
        "superseded-write-counts",
        "following.py",
        "        core.outbox.supersede(entries[0].index)\n",
        "",
    ),
    Mutant(
        "applied-before-it-is-durable",
        "log.py",
        "        return min(self.commit, self.stable)",
        "        return self.commit",
    ),
    Mutant(
        "truncation-not-told-to-the-driver",
        "log.py",
        "        if from_index <= self.taken:\n",
        "        if from_index < self.applied:\n",
    ),
    # Elections (S3, E2 to E5).
    Mutant(
        "two-votes-in-a-term",
        "election.py",
        "    free = core.vote is None and core.leader is None\n",
        "    free = core.leader is None\n    core.vote = None\n",
    ),
    Mutant(
        "vote-survives-into-the-next-term",
        "roles.py",
        "        core.term, core.vote = term, None\n",
        "        core.term = term\n",
    ),
    Mutant(
        "no-up-to-date-check",
        "election.py",
        "    return (request.last_term, request.last_index) >= ours",
        "    return True",
    ),
    Mutant(
        "up-to-date-by-length-alone",
        "election.py",
        "    return (request.last_term, request.last_index) >= ours",
        "    return request.last_index >= core.log.last_index",
    ),
    Mutant(
        "pre-vote-raises-the-term",
        "stepping.py",
        "    return granted or isinstance(message, PreVoteRequest)",
        "    return granted",
    ),
    Mutant(
        "no-stickiness",
        "stepping.py",
        "            return Reason.LEADER_ALIVE\n",
        "            return None\n",
    ),
    Mutant(
        "stickiness-stops-transfers",
        "stepping.py",
        "forced = isinstance(message, VoteRequest) and message.transfer",
        "forced = False",
    ),
    Mutant(
        "leader-never-checks-its-quorum",
        "heartbeats.py",
        "    if core.settings.check_quorum and not quorum_active(core):",
        "    if False:",
    ),
    Mutant(
        "stale-leader-is-not-told",
        "stepping.py",
        "        core.send(StaleTerm(core.node, message.sender, core.term))",
        "        pass",
    ),
    Mutant(
        "past-terms-are-heard",
        "stepping.py",
        "        return Reason.PAST_TERM\n",
        "        return None\n",
    ),
    Mutant(
        "removed-voter-never-campaigns",
        "election.py",
        "any(configuration.is_voter(core.node) for _, configuration in core.configurations)",
        "core.configuration.is_voter(core.node)",
    ),
    Mutant(
        "learner-campaigns",
        "election.py",
        "    return votes and core.offered is None",
        "    return core.offered is None",
    ),
    # Broken streams and second rounds (E8).
    Mutant(
        "broken-stream-believed-without-prevote-and-checkquorum",
        "election.py",
        "    if core.settings.pre_vote and core.settings.check_quorum:\n",
        "    if True:\n",
    ),
    Mutant(
        "anyones-broken-stream-ends-the-leader",
        "raft.py",
        "        if self._core.role is FOLLOWER and self._core.leader == peer:\n",
        "        if self._core.role is FOLLOWER:\n",
    ),
    Mutant(
        "broken-stream-ends-ones-own-leadership",
        "raft.py",
        "        if self._core.role is FOLLOWER and self._core.leader == peer:\n",
        "        if self._core.leader == peer:\n",
    ),
    Mutant(
        "broken-stream-means-nothing",
        "raft.py",
        "            election.leader_hung_up(self._core)\n",
        "            pass\n",
    ),
    Mutant(
        "broken-stream-leaves-others-loyal",
        "election.py",
        "        roles.become_follower(core, core.term, None)\n        roles.hurry(core)\n\n\ndef",
        "        roles.hurry(core)\n\n\ndef",
    ),
    Mutant(
        "pre-candidate-waits-for-a-whole-timeout",
        "roles.py",
        "    core.leader = None\n    _begin(core)\n    hurry(core)\n",
        "    core.leader = None\n    _begin(core)\n",
    ),
    Mutant(
        "loser-hurries-without-prevote",
        "election.py",
        "        if core.settings.pre_vote:\n            roles.hurry(core)\n",
        "        roles.hurry(core)\n",
    ),
    # Quorums (CCF 1, M5).
    Mutant(
        "quorum-off-by-one",
        "quorum.py",
        "    return voters // 2 + 1",
        "    return max(1, voters // 2)",
    ),
    Mutant(
        "votes-tallied-over-the-union",
        "election.py",
        "quorum.joint_vote(configuration.voters, configuration.outgoing, core.votes)",
        "quorum.majority_vote(\n"
        "        sorted({*configuration.voters, *configuration.outgoing}), core.votes\n    )",
    ),
    Mutant(
        "commit-counted-over-the-union",
        "committing.py",
        "quorum.joint_reached(configuration.voters, configuration.outgoing, match)",
        "quorum.majority_reached(\n"
        "        sorted({*configuration.voters, *configuration.outgoing}), match\n    )",
    ),
    Mutant(
        "learners-count-for-commitment",
        "committing.py",
        "quorum.joint_reached(configuration.voters, configuration.outgoing, match)",
        "quorum.joint_reached(configuration.members, configuration.outgoing, match)",
    ),
    # Replication (S4 to S10, CCF 2 to 5).
    Mutant(
        "figure-8-commit",
        "committing.py",
        "    if reached > core.log.commit and core.log.term(reached) == core.term:",
        "    if reached > core.log.commit:",
    ),
    Mutant(
        "no-empty-entry-on-election",
        "election.py",
        '    appending.append_own(core, BLOCK, b"")\n',
        "",
    ),
    Mutant(
        "previous-term-unchecked",
        "log.py",
        "        return self.term(index) == term and self.hash(index) == content",
        "        return self.term(index) is not None",
    ),
    Mutant(
        "previous-content-unchecked",
        "log.py",
        "        return self.term(index) == term and self.hash(index) == content",
        "        return self.term(index) == term",
    ),
    Mutant(
        "always-truncate",
        "following.py",
        "    position = core.log.first_conflict(message.entries)\n",
        "    position = 0\n",
    ),
    Mutant(
        "early-append-cuts-off-what-follows",
        "following.py",
        "    if core.leader == message.sender:\n        committing",
        "    if core.log.commit <= end < core.log.last_index:\n"
        "        core.log.truncate(Index(end + 1))\n"
        "    if core.leader == message.sender:\n        committing",
    ),
    Mutant(
        "acknowledgement-past-the-message",
        "following.py",
        "        acknowledge(core, end)\n",
        "        acknowledge(core, core.log.last_index)\n",
    ),
    Mutant(
        "commit-past-the-message",
        "following.py",
        "        committing.raise_to(core, min(message.commit, end))\n",
        "        committing.raise_to(core, min(message.commit, core.log.last_index))\n",
    ),
    Mutant(
        "refusal-advances-match",
        "replication.py",
        "    progress.reject(message.previous_index, may_match)",
        "    progress.reject(message.previous_index, may_match)\n"
        "    progress.match = max(progress.match, min(may_match, core.log.last_index))\n"
        "    committing.advance(core)",
    ),
    Mutant(
        "refusal-ignores-the-hint",
        "progress.py",
        "            lower = min(previous_index, Index(may_match + 1))",
        "            lower = previous_index",
    ),
    Mutant(
        "match-goes-back",
        "progress.py",
        "        if index < self.match or (",
        "        if (",
    ),
    Mutant(
        "heartbeat-names-all-of-the-commit-index",
        "heartbeats.py",
        "    commit = min(core.log.commit, core.peers[peer].match)",
        "    commit = core.log.commit",
    ),
    Mutant(
        "loss-is-never-noticed",
        "replication.py",
        "    progress.nudge = stuck and progress.state is REPLICATE",
        "    progress.nudge = False",
    ),
    Mutant(
        "window-is-never-full",
        "inflight.py",
        "return len(self._sent) >= self._max_messages or self._bytes >= self._max_bytes",
        "return False",
    ),
    Mutant(
        "uncommitted-without-bound",
        "appending.py",
        "    return not core.uncommitted or total <= core.settings.max_uncommitted_bytes",
        "    return True",
    ),
    Mutant(
        "pages-to-apply-overlap",
        "log.py",
        "        return self.applying == self.applied and",
        "        return",
    ),
    Mutant(
        "leader-spins-while-a-follower-waits",
        "progress.py",
        "            self.next, self.paused = Index(index + 1), not advanced",
        "            self.become_replicate()",
    ),
    # Membership (M1 to M8, CCF 6, governed membership).
    Mutant(
        "configuration-in-force-when-committed",
        "core.py",
        "        return self.configurations[-1][1]",
        "        return self.configurations[0][1]",
    ),
    Mutant(
        "the-2015-bug",
        "membership.py",
        "    if not core.committed_in_own_term:\n        raise LeaderNotReady",
        "    if False:\n        raise LeaderNotReady",
    ),
    Mutant(
        "two-pending-changes",
        "membership.py",
        "    if pending(core) or core.configuration.joint:",
        "    if core.configuration.joint:",
    ),
    Mutant(
        "truncation-keeps-the-configuration",
        "following.py",
        "        membership.forget_truncated(core)\n",
        "",
    ),
    Mutant(
        "restart-forgets-the-configuration-in-the-log",
        "raft.py",
        "        membership.read_from_log(self._core)\n",
        "",
    ),
    Mutant(
        "swap-without-a-joint-configuration",
        "changes.py",
        "    if len(set(current.voters) ^ set(voters)) > 1:\n",
        "    if False:\n",
    ),
    Mutant(
        "newcomer-votes-before-it-has-learnt",
        "membership.py",
        "        if not core.configuration.is_voter(node) and not caught_up:",
        "        if False:",
    ),
    Mutant(
        "removed-id-returns",
        "membership.py",
        "        if node in core.configuration.removed:",
        "        if False:",
    ),
    Mutant(
        "removed-leader-stays",
        "membership.py",
        "        if not core.configuration.is_voter(core.node):\n            _step_down(core)\n",
        "",
    ),
    Mutant(
        "removed-node-retires-too-early",
        "membership.py",
        "    members = {node for _, config in core.configurations for node in config.members}",
        "    members = {*core.configuration.members}",
    ),
    Mutant(
        "joint-configuration-is-never-left",
        "membership.py",
        "    if core.committed_in_own_term:\n        target",
        "    if False:\n        target",
    ),
    Mutant(
        "commit-index-not-stored-with-the-entry",
        "raft.py",
        "return Persist(sequence, hard_state, truncate_from, entries, core.log.commit, promises)",
        "return Persist(sequence, hard_state, truncate_from, entries, START, promises)",
    ),
    Mutant(
        "warrant-unchecked-by-followers",
        "membership.py",
        "    if target.warrant > core.log.commit:\n        return Verdict.WAIT\n",
        "",
    ),
    Mutant(
        "unlawful-step-taken-by-followers",
        "membership.py",
        " or not changes.is_step(current, target):",
        ":",
    ),
    Mutant(
        "driver-is-not-asked-by-followers",
        "membership.py",
        "    return core.verdict(current, target)\n",
        "    return Verdict.ACCEPT\n",
    ),
    Mutant(
        "refused-leader-is-still-followed",
        "following.py",
        "        roles.disown(core, message.sender)\n",
        "",
    ),
    # Transfer, reads, snapshots (E6, R1 to R3, L11).
    Mutant(
        "transfer-before-the-target-caught-up",
        "transfer.py",
        "core.peers[target].match == core.log.last_index",
        "core.peers[target].match <= core.log.last_index",
    ),
    Mutant(
        "proposals-during-a-transfer",
        "raft.py",
        "        if self._core.transferee is not None:\n",
        "        if False:\n",
    ),
    Mutant(
        "read-served-without-a-round",
        "reads.py",
        "    while rounds and rounds[0].number <= _acknowledged_round(core):",
        "    while rounds:",
    ),
    Mutant(
        "read-confirmed-by-an-old-round",
        "reads.py",
        "    reads.round += 1\n",
        "    reads.round = 1\n",
    ),
    Mutant(
        "read-before-a-commit-in-the-own-term",
        "reads.py",
        "    if not (reads.waiting and core.committed_in_own_term):",
        "    if not reads.waiting:",
    ),
    Mutant(
        "stale-snapshot-installed",
        "snapshots.py",
        "    if offer.snapshot.index > core.log.commit and offer != core.offered and not older:",
        "    if offer != core.offered:",
    ),
    Mutant(
        "snapshot-installed-over-acknowledged-entries",
        "following.py",
        "        withdraw_reached_offer(core)\n",
        "",
    ),
    Mutant(
        "snapshot-without-its-configuration",
        "snapshots.py",
        "    core.configurations = [(snapshot.index, snapshot.configuration)]\n",
        "    core.configurations = [(snapshot.index, core.configurations[0][1])]\n",
    ),
    Mutant(
        "snapshot-installed-while-a-page-is-applied",
        "snapshots.py",
        "    idle = core.log.applying == core.log.applied\n",
        "    idle = True\n",
    ),
    # Garbage.
    Mutant(
        "entry-hashes-unchecked",
        "validation.py",
        "        if content != entry.hash:\n",
        "        if False:\n",
    ),
    Mutant(
        "impossible-acknowledgement-believed",
        "replication.py",
        "    if message.index > core.log.last_index:\n",
        "    if False:\n",
    ),
)
