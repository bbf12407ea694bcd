from portal.api.schema.answers import fault, ok
from portal.api.schema.operation import Group, Operation
from portal.api.schema.shapes import choice, sent, text, whole

GROUP = Group(
    "Sign-in",
    "Tokens for programs. A CI token needs no exchange: send it as it stands.",
    [
        Operation(
            "token_issue",
            "POST",
            "/auth/access_token",
            "Get an access token",
            about="Asking again answers the same token until five minutes before its end.",
            needs=None,
            body=sent(
                {"clientId": text("K6rX0gWzQ1"), "clientSecret": text("…", "It is shown once, when it is made.")},
                needed="clientId clientSecret",
            ),
            answers={
                200: ok(
                    "A token for the header `Authorization: Bearer …`.",
                    accessToken=text("eyJhbGciOiJIUzI1NiJ9.…"),
                    expiresIn=whole(10800, "Seconds."),
                    tokenType=choice(["Bearer"]),
                ),
                401: fault(
                    "unauthorized",
                    about="The client id or the client secret is wrong.",
                    message="The client id or the client secret is wrong.",
                ),
            },
        )
    ],
)
