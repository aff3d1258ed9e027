"""One shape for every noun, and a meaning for every name."""

from collections.abc import Iterator
from typing import Final

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
)

from gql.engine.nouns import Noun
from gql.engine.verbs import Report, Verb
from gql.schema import OPEN_FIELDS, PYTHON_FIELDS, build_schema, declarations

SCHEMA = build_schema()._schema
NOUNS = list(declarations().nouns.values())
VERBS = list(declarations().verbs.values())


def root(name: str) -> GraphQLObjectType:
    found = SCHEMA.type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def our_types() -> Iterator[GraphQLNamedType]:
    builtin = {"String", "Int", "Float", "Boolean", "ID"}
    return (each for name, each in SCHEMA.type_map.items() if not name.startswith("__") and name not in builtin)


@pytest.mark.parametrize("noun", [noun for noun in NOUNS if noun.plural], ids=lambda noun: noun.name)
def test_a_noun_is_asked_for_like_every_other(noun: Noun) -> None:
    fields = root("Query").fields
    assert noun.singular is not None
    assert noun.plural is not None
    archived = {"includeArchived"} if noun.archive else set()
    assert set(fields[noun.singular].args) == {"id"} | archived
    assert str(fields[noun.singular].type) == noun.name
    assert {"first", "after", "last", "before", "orderBy"} <= set(fields[noun.plural].args)
    assert str(fields[noun.plural].type) == f"{noun.name}Connection"
    assert noun.default_order in noun.orders
    if noun.groups:
        groups = fields[f"{noun.singular}Groups"]
        assert set(groups.args) == {"filter", "by", "orderBy", "first"} | archived
        assert str(groups.type) == f"[{noun.name}Group!]"


def test_every_root_field_of_a_query_may_be_null_so_that_the_others_can_answer() -> None:
    assert [name for name, field in root("Query").fields.items() if isinstance(field.type, GraphQLNonNull)] == []


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.graphql_name)
def test_a_verb_takes_one_input_and_answers_a_payload(verb: Verb) -> None:
    field = root("Mutation").fields[verb.graphql_name]
    assert set(field.args) == {"input"}
    assert isinstance(field.args["input"].type, GraphQLNonNull)
    assert str(field.type) == f"{verb.payload_name}!"
    payload = root(verb.payload_name)
    match verb.returns:
        case None:
            assert set(payload.fields) == {"id"}
        case Report():
            assert set(payload.fields) == {"rows"}
        case thing:
            assert [str(each.type) for each in payload.fields.values()] == [f"{thing}!"]


COMING_IN: Final = {"signIn", "sessionRefresh", "signUp", "signUpCodeResend", "signUpConfirm"}
WITH_GOOGLE: Final = {"signInWithGoogle", "signUpWithGoogle"}
WITH_A_CODE: Final = {"signInCodeRequest", "signInWithCode", "passwordResetRequest", "passwordReset"}
SECOND: Final = {"totpEnrol", "totpConfirm", "totpRemove", "recoveryCodesRenew"}
ANSWERS: Final = {"inviteAccept", "inviteDecline", "joinRequestCreate", "joinRequestWithdraw"}
ACCOUNT: Final = {"accountCodeRequest", "accountAddressChange", "accountAddressConfirm", "accountClose"}
OF_ONES_OWN: Final = {"organisationSwitch", "signOut", "passwordChange"} | SECOND | ANSWERS | ACCOUNT
"""They ask themselves for the session of the token."""
WITH_A_SECRET: Final = {
    "appCreate",
    "appSecretRotate",
    "analystCreate",
    "analystSecretRotate",
    "messageChannelCreate",
    "messageChannelUpdate",
}
"""They show what is kept nowhere."""


def test_only_coming_in_is_open_to_strangers() -> None:
    assert COMING_IN | WITH_GOOGLE | WITH_A_CODE | OF_ONES_OWN == OPEN_FIELDS
    compiled = {verb.graphql_name for verb in VERBS}
    assert set(root("Mutation").fields) - compiled == PYTHON_FIELDS.keys()
    assert PYTHON_FIELDS.keys() - OPEN_FIELDS == WITH_A_SECRET


def test_everything_has_a_description() -> None:
    nameless = []
    for each in our_types():
        if not each.description:
            nameless.append(each.name)
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            nameless += [f"{each.name}.{name}" for name, field in each.fields.items() if not field.description]
        if isinstance(each, GraphQLObjectType):
            nameless += [
                f"{each.name}.{name}({argument})"
                for name, field in each.fields.items()
                for argument, declared in field.args.items()
                if not declared.description
            ]
    assert nameless == []


def test_enum_values_are_written_in_upper_case() -> None:
    enums = [each for each in our_types() if isinstance(each, GraphQLEnumType) and each.name != "NodeType"]
    assert [f"{each.name}.{name}" for each in enums for name in each.values if name != name.upper()] == []


def test_nothing_about_money_is_a_float() -> None:
    floats = [
        f"{each.name}.{name}"
        for each in our_types()
        if isinstance(each, GraphQLObjectType | GraphQLInputObjectType)
        for name, field in each.fields.items()
        if "Float" in str(field.type)
    ]
    assert floats == []
