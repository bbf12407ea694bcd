"""Notices by e-mail."""

import smtplib
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from portal.audit.leases import must_hold
from portal.audit.models import Delivery
from portal.audit.subscribers import Hopeless, RetryLater
from portal.notifications import bursts
from portal.notifications.notice import Notice, kind_of
from portal.notifications.plain import LONGEST_SUMMARY, Json, as_text, clean, is_address, words

LONGEST_SUBJECT = 150
PAUSE = 10.0  # seconds without any e-mail after the server did not answer


def tell(delivery: Delivery) -> Json:
    """Sends it. The same delivery has the same message id ever, by which a receiver knows a repeat."""
    kind = kind_of(delivery.event.name)
    if kind is None:
        raise RetryLater(f"Nobody says what {delivery.event.name} is here.", after=30, untaken=True)
    if kind.is_stale(delivery.event):
        return {"skipped": "It is no longer true."}
    notice = kind.render(delivery.event)
    if notice.folds and bursts.folded(delivery):
        return {"folded": "It changes often: what came before was told."}
    if not settings.EMAIL_HOST:
        raise Hopeless("There is no mail server: set PORTCULLIS_EMAIL_URL.")
    must_hold(delivery)
    return _send(message(notice, delivery))


def _send(mail: EmailMultiAlternatives) -> Json:
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = next(iter(refused.recipients.values()))
        raise _reason(code, said) from refused
    except smtplib.SMTPResponseException as error:
        raise _reason(error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Hopeless(f"The mail server cannot do what PORTCULLIS_EMAIL_URL asks: {error}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise RetryLater(f"The mail server did not answer: {error}", pause=PAUSE) from error
    return {"to": mail.to[0], "id": mail.extra_headers["Message-ID"]}


def _reason(code: int, said: bytes | str) -> Exception:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    why = f"The mail server answered {code} {clean(text, 200)}"
    return Hopeless(why) if 500 <= code < 600 else RetryLater(why)


def message(notice: Notice, delivery: Delivery) -> EmailMultiAlternatives:
    host = urlsplit(settings.BASE_URL).hostname or "portcullis"
    headers = {
        "Message-ID": f"<{delivery.public_id}@{host}>",
        "Auto-Submitted": "auto-generated",
        "X-Portcullis-Delivery": str(delivery.public_id),
    }
    if notice.thread:
        # No message has this id: mail programs put those together that refer to the same one.
        headers["References"] = f"<{uuid5(NAMESPACE_URL, notice.thread)}@{host}>"
    mail = EmailMultiAlternatives(subject(notice), body(notice), to=[delivery.target], headers=headers)
    mail.attach_alternative(html(notice), "text/html")
    return mail


def subject(notice: Notice) -> str:
    return clean(notice.summary, LONGEST_SUBJECT)


def body(notice: Notice) -> str:
    return f"{as_text(notice)}\n-- \nWho is told what: {_routes()}\n"


def html(notice: Notice) -> str:
    links = [link for link in (*notice.more, notice.link) if link]
    context = {
        "summary": clean(notice.summary, LONGEST_SUMMARY),
        "facts": [(fact.label, words(fact.value), _url(getattr(fact.value, "url", ""))) for fact in notice.facts],
        "items": [
            {
                "title": items.title,
                "lines": [(clean(each.link.text), _url(each.link.url), clean(each.text)) for each in items.lines],
                "more": (items.more.text, _url(items.more.url)) if items.more else None,
            }
            for items in notice.items
        ],
        "links": [(clean(link.text or link.url), _url(link.url)) for link in links],
        "routes_url": _routes(),
    }
    return render_to_string("notifications/email.html", context)


def _url(url: str) -> str:
    return url if is_address(url) else ""


def _routes() -> str:
    return str(settings.BASE_URL) + reverse("notifications:list")
