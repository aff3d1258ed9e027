"""Mutations: all verbs of an operation in one transaction, kept as a whole, kept once under a key, or rehearsed."""

from dataclasses import dataclass, field

from gql.database.context import Context
from gql.database.pool import Database, Origin, Transaction
from gql.engine.answers import answer, refused_whole, refuses_all
from gql.engine.idempotency import ABOUT_THE_KEY, KeyedRequest, KeyEntry, Turns
from gql.engine.operations import Changed, Operation, Terms
from gql.engine.plans import Plan, VerbPlan
from gql.errors import ApiError, RequestRefused


@dataclass(frozen=True)
class Verbs:
    """The verbs of one operation, for one caller."""

    plan: Plan
    operation: Operation
    context: Context
    origin: Origin

    async def run(self, transaction: Transaction) -> bytes:
        """The answer, once all verbs have run. Raises ApiError, at its verb, for the first one that fails."""
        return answer([await self._member(verb, transaction) for verb in self.plan.verbs], [], self.origin)

    async def _member(self, verb: VerbPlan, transaction: Transaction) -> bytes:
        try:
            return f'"{verb.key}":'.encode() + await self.one(verb, transaction)
        except ApiError as problem:
            raise problem.at((verb.key,)) from problem

    async def one(self, plan: VerbPlan, transaction: Transaction) -> bytes:
        """The payload of one verb."""
        result = ""
        if (call := plan.call) is not None:
            given = self.operation.readable_inputs()[plan.key]
            result = (await transaction.fetch(call.sql, call.arguments(self.context, {}, given))).decode()
            await transaction.settle()
        payload = plan.payload
        return await transaction.read(payload.sql, payload.arguments(self.context, self.operation.values, result))


@dataclass
class Mutations:
    """Carries out mutations."""

    database: Database
    turns: Turns = field(default_factory=Turns)

    async def run(self, verbs: Verbs, terms: Terms) -> Changed:
        """The answer, on these terms. Raises RequestRefused where the request as a whole is refused."""
        try:
            verbs.operation.readable_inputs()  # or why not, before there is a transaction
            if terms.is_rehearsal:
                return await self._rehearse(verbs)
            if terms.key is not None:
                return await self._once(verbs, KeyedRequest.of(verbs.operation, terms.key, verbs.context))
            return Changed(await self.database.carry_out(verbs.context, verbs.origin, verbs.run))
        except ApiError as problem:
            if refuses_all(problem) or problem.reason in ABOUT_THE_KEY:
                raise RequestRefused([problem]) from None
            return Changed(refused_whole(problem, verbs.origin), is_rehearsal=terms.is_rehearsal)

    async def _rehearse(self, verbs: Verbs) -> Changed:
        body = await self.database.carry_out(verbs.context, verbs.origin, verbs.run, keeps=False)
        return Changed(body, is_rehearsal=True)

    async def _once(self, verbs: Verbs, request: KeyedRequest) -> Changed:
        entry = KeyEntry(request, verbs.context, verbs.plan.permissions)

        async def work(transaction: Transaction) -> Changed:
            known = await entry.begin(transaction)
            if known is not None:
                return Changed(known, is_replay=True)
            body = await verbs.run(transaction)
            await entry.keep(transaction, body)
            return Changed(body)

        return await self.turns.take(
            request,
            lambda: self.database.carry_out(verbs.context, verbs.origin, work, recognises_itself=True),
        )
