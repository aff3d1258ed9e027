"""Making a demo organisation: through the operator's functions for the organisation and its people, and through the
public mutations for everything that they work with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from gql.demo import invoicing, trade
from gql.demo.model import Firm, Organisation, Person
from gql.demo.trade.model import Distributor
from gql.iam.provisioning import Provisioner
from gql.imports.operations import Asker

PASSWORD: Final = "copper-kettle-sings"  # noqa: S105 - printed for everybody to try
Steps = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Maker:
    """What making needs: the operator's functions, a password's hash, and someone to ask for a person's sake."""

    provisioner: Provisioner
    hash_password: Callable[[str], Awaitable[str]]
    asker_for: Callable[[UUID, UUID], Awaitable[Asker]]
    """The asker for a person (user id) in an organisation (tenant id)."""
    today: date


def count_steps(firm: Firm) -> int:
    """How far the progress bar of one organisation goes."""
    match firm:
        case Organisation():
            return invoicing.count_steps(firm)
        case Distributor():
            return trade.count_steps(firm)
    raise TypeError(firm)


async def is_made(firm: Firm, provisioner: Provisioner) -> bool:
    """Whether the organisation is complete. Its staff comes last, so that it is when they are there."""
    tenant_id = await provisioner.tenant_id(firm.slug)
    if tenant_id is None:
        return False
    members: int = await provisioner.connection.fetchval(
        "select count(*) from iam.memberships where tenant_id = $1", tenant_id
    )
    return members >= len(firm.people)


async def make(firm: Firm, maker: Maker, step: Steps) -> None:
    """Make what is missing of the organisation; one that was interrupted goes on where it was."""
    owner_id = await _person(firm.owner, maker)
    tenant_id = await _tenant(firm, owner_id, maker.provisioner)
    others = await _work(firm, await maker.asker_for(owner_id, tenant_id), maker.today, step)
    staff = [(person, await _person(person, maker)) for person in firm.people[1:]]
    async with maker.provisioner.together():
        for person, user_id in staff:
            scope = [others[person.speaks_for]] if person.speaks_for else []
            await maker.provisioner.create_membership(tenant_id, user_id, person.role, scope)


async def _work(firm: Firm, asker: Asker, today: date, step: Steps) -> dict[str, UUID]:
    """What the organisation works with. The ids of those whom people may speak for."""
    match firm:
        case Organisation():
            return await invoicing.send_invoices(firm, asker, today, step)
        case Distributor():
            return await trade.make_year(firm, asker, today, step)
    raise TypeError(firm)


async def _tenant(firm: Firm, owner_id: UUID, provisioner: Provisioner) -> UUID:
    async with provisioner.together():
        tenant_id = await provisioner.tenant_id(firm.slug)
        if tenant_id is None:
            tenant_id = await provisioner.create_tenant(slug=firm.slug, name=firm.name, **firm.profile)
            await provisioner.create_membership(tenant_id, owner_id, "owner")
    return tenant_id


async def _person(person: Person, maker: Maker) -> UUID:
    """The person's account; one who belongs to both organisations has one account."""
    return await maker.provisioner.user_id(person.email) or await maker.provisioner.create_user(
        person.email, person.name, await maker.hash_password(PASSWORD)
    )
