"""Users, as the API sees them: people sign in. Who works in an organisation, its memberships say."""

from typing import Annotated

import strawberry

from gql.engine.engine import Execution
from gql.engine.scalars import DateTime
from gql.iam.sign_in import Services


@strawberry.input(description="Who signs in, and where.")
class SignInInput:
    email: str = strawberry.field(description="The e-mail address of the account; capitals do not matter.")
    password: str = strawberry.field(description="The password of the account.")
    organisation: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The short name of the organisation to work in; left out, it is the first of yours by name.",
    )


@strawberry.type(description="The organisation that a token is for.")
class SignInOrganisation:
    slug: str = strawberry.field(description="Its short name, such as `acme`.")
    name: str = strawberry.field(description="Its name.")


@strawberry.type(description="What signing in gives.")
class SignInPayload:
    access_token: str = strawberry.field(
        description="Send it with every request as `Authorization: Bearer …`. Keep it as safe as a password."
    )
    expires_at: DateTime = strawberry.field(description="Until when it is valid; then sign in again.")
    organisation: SignInOrganisation = strawberry.field(description="The organisation that you now work in.")


async def _sign_in(
    info: strawberry.Info[Execution, None],
    input: Annotated[SignInInput, strawberry.argument(description="Who signs in, and where.")],  # noqa: A002
) -> SignInPayload:
    services: Services = info.context.services
    slug = None if input.organisation is strawberry.UNSET else input.organisation
    signed_in = await services.sign_in(input.email, input.password, slug, info.context.caller.origin)
    return SignInPayload(
        access_token=signed_in.token.text,
        expires_at=DateTime(signed_in.token.expires_at.isoformat().replace("+00:00", "Z")),
        organisation=SignInOrganisation(slug=signed_in.organisation.slug, name=signed_in.organisation.name),
    )


@strawberry.type
class SignInMutation:
    sign_in: SignInPayload = strawberry.field(
        resolver=_sign_in,
        description="Sign in with an e-mail address and a password. The answer is the same for an unknown address and "
        "for a wrong password.",
    )
