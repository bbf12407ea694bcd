from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.utils import timezone

from portal.accounts.commands import credential_create, credential_revoke
from portal.accounts.models import Credential, User
from portal.audit.models import Event
from tests.conftest import SETUP, V1


@pytest.fixture
def client(db):
    return credential_create("Terraform", kind="client", scopes=["catalog:read"], by=SETUP)


def ask(nobody, client_id, client_secret):
    return nobody.post("auth/access_token", {"clientId": client_id, "clientSecret": client_secret})


def test_the_right_secret_gets_a_token_of_three_hours(nobody, client):
    credential, secret = client
    answer = ask(nobody, credential.client_id, secret)
    assert (answer.status, answer.json["tokenType"], answer.json["expiresIn"]) == (200, "Bearer", 10800)
    assert V1(answer.json["accessToken"]).get("blueprints").status == 200


def test_asking_again_gives_the_same_token_until_it_nears_its_end(nobody, client):
    credential, secret = client
    first = ask(nobody, credential.client_id, secret).json
    assert ask(nobody, credential.client_id, secret).json["accessToken"] == first["accessToken"]
    Credential.objects.update(token_issued_at=timezone.now() - timedelta(hours=2, minutes=58))
    assert ask(nobody, credential.client_id, secret).json["expiresIn"] == 10800


def test_a_wrong_secret_is_401(nobody, client):
    answer = ask(nobody, client[0].client_id, "wrong")
    assert (answer.status, answer.json["error"]) == (401, "unauthorized")


@pytest.mark.parametrize("token", ["", "nonsense", "pcl_" + "x" * 40, "a.b.c", "é"])
def test_an_unknown_token_is_401(db, token):
    answer = V1(token).get("blueprints")
    assert (answer.status, answer.json["ok"]) == (401, False)
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_token_signed_with_another_key_is_401(nobody, client):
    forged = jwt.encode(
        {"sub": str(client[0].public_id), "ver": 1, "exp": 4102444800}, "another key" * 4, algorithm="HS256"
    )
    unsigned = jwt.encode({"sub": str(client[0].public_id), "ver": 1, "exp": 4102444800}, "", algorithm="none")
    assert [V1(token).get("blueprints").status for token in (forged, unsigned)] == [401, 401]


def test_an_expired_token_is_401(client):
    claims = {"sub": str(client[0].public_id), "ver": 1, "exp": 1}
    assert V1(jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")).get("blueprints").status == 401


def test_a_token_of_a_node_whose_clock_runs_ahead_is_good_at_once(client):
    now = timezone.now().timestamp()
    claims = {"sub": str(client[0].public_id), "ver": 1, "iat": int(now) + 5, "exp": int(now) + 60}
    assert V1(jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")).get("blueprints").status == 200


def test_revoking_is_immediate(nobody, client):
    credential, secret = client
    program = V1(ask(nobody, credential.client_id, secret).json["accessToken"])
    credential_revoke(credential, by=SETUP)
    assert program.get("blueprints").status == 401
    assert ask(nobody, credential.client_id, secret).status == 401


def test_a_missing_scope_is_403_and_is_named(client, nobody):
    token = ask(nobody, client[0].client_id, client[1]).json["accessToken"]
    answer = V1(token).post("locks", {"scope": "everything", "reason": "no"})
    assert (answer.status, answer.json["error"], answer.json["details"]) == (403, "forbidden", {"scope": "lock"})


def test_no_secret_is_kept_or_written_into_the_audit_log(client):
    kept = str(list(Credential.objects.values()) + list(Event.objects.values()))
    assert client[1] not in kept


def test_an_address_is_one_person_whatever_its_case(alice):
    from django.db import IntegrityError

    with pytest.raises(IntegrityError):
        User.objects.create_user("ALICE@example.org", name="Twin")
