"""Settings. Every PORTCULLIS_ variable is explained in docs/settings.md (a test compares the two)."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from celery.schedules import crontab

from portal.embedded.layout import Layout
from portal.kit import env

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

DATA_DIR = Path(env.text("PORTCULLIS_DATA", str(BASE_DIR / "var"))).resolve()
EMBEDDED = Layout(DATA_DIR)

DEBUG = env.flag("PORTCULLIS_DEBUG", False)
# Without a key of one's own a restart signs everybody out; `check --deploy` says so (portal.E001).
SECRET_KEY = env.text("PORTCULLIS_SECRET_KEY") or EMBEDDED.read_secret_key() or secrets.token_urlsafe(50)
# Old keys, while what they signed or encrypted is still about.
SECRET_KEY_FALLBACKS = env.items("PORTCULLIS_SECRET_KEY_FALLBACKS", "")
SECRET_KEY_IS_LASTING = bool(env.text("PORTCULLIS_SECRET_KEY") or EMBEDDED.read_secret_key())
PORT = env.number("PORTCULLIS_PORT", 8800, least=1, most=65535)
# The address people and CI reach the portal at: used in links, messages and cookies' security.
BASE_URL = env.text("PORTCULLIS_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
HTTPS = BASE_URL.startswith("https://")
ALLOWED_HOSTS = [*env.items("PORTCULLIS_HOSTS", "localhost,127.0.0.1,[::1]"), urlsplit(BASE_URL).hostname or ""]

INSTALLED_APPS = [
    "portal.pages",
    "portal.api",
    "portal.slackbot",
    "portal.github",
    "portal.notifications",
    "portal.actions",
    "portal.sidebars",
    "deployments.health",
    "deployments.environments",
    "deployments",
    "locks",
    "catalog.importers",
    "catalog.integrations",
    "catalog.scorecards",
    "catalog.starters",
    "catalog.webhooks",
    "catalog",
    "portal.audit",
    "portal.accounts",
    "rest_framework",
    "django_htmx",
    "csp",
    "template_partials",
    "portal.apps.AdminConfig",  # django.contrib.admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "portal.kit.trace.TraceMiddleware",
    "portal.faults.RefuseNul",
    "portal.api.plain_http.RefusePlainHttp",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.kit.policy.ContentPolicy",
    "portal.pages.middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "portal.pages.middleware.Csrf",
    "portal.pages.middleware.Authentication",
    "portal.pages.middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.pages.middleware.Htmx",
    "portal.pages.middleware.SignIn",
    "portal.pages.middleware.Zone",
    "portal.faults.PortalErrors",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "template_partials.templatetags.partials",
                "django_htmx.templatetags.django_htmx",
                "portal.kit.templatetags.kit",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.pages.shell.shell",
            ],
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "portal.kit.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        **env.database(env.text("DATABASE_URL") or EMBEDDED.database_url),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL") or EMBEDDED.redis_url
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        # redis-py says unix://, Celery says redis+socket:// for the same thing.
        "LOCATION": REDIS_URL.replace("redis+socket://", "unix://", 1),
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}

AUTH_USER_MODEL = "accounts.User"
# E-mail addresses are unique whatever their case, by a constraint that this check does not see.
SILENCED_SYSTEM_CHECKS = ["auth.E003"]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "pages:sign_in"
LOGIN_REDIRECT_URL = "pages:home"
LOGOUT_REDIRECT_URL = "pages:sign_in"
SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "portal.faults.csrf_failed"
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^v1(/|$)", r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "https:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
DATETIME_FORMAT = "j M Y, H:i"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served straight from static/ with finders, so that there is no collect step to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# How long the ingest log, the Idempotency-Keys with it, and what webhooks brought are kept.
INGEST_DAYS = env.number("PORTCULLIS_INGEST_DAYS", 30, least=1, most=3650)
# How long deliveries that are settled are kept, and the threads in Slack of what is over.
DELIVERY_DAYS = env.number("PORTCULLIS_DELIVERY_DAYS", 90, least=1, most=3650)
# Days that deployments are kept whole; older ones are rolled up by day. 0 is for ever.
KEEP_DEPLOYMENTS = env.number("PORTCULLIS_KEEP_DEPLOYMENTS", 0, least=0, most=36500)

# Deployments to environments of these tiers are watched for so long once they have finished.
WATCH_TIERS = env.items("PORTCULLIS_WATCH_TIERS", "production")
WATCH_SECONDS = env.number("PORTCULLIS_WATCH_SECONDS", 900, least=5, most=86400)

# What environments cost is told in it.
CURRENCY = env.currency("PORTCULLIS_CURRENCY", "USD")

# Networks inside the house that outgoing calls may reach; public addresses they may always.
OUTGOING_NETWORKS = env.networks("PORTCULLIS_OUTGOING_NETWORKS")

# Where the numbers of running services are; without it their pages show none.
PROMETHEUS_URL = env.text("PORTCULLIS_PROMETHEUS_URL").rstrip("/")
PROMETHEUS_TOKEN = env.text("PORTCULLIS_PROMETHEUS_TOKEN")
_OF = 'service="{service}",environment="{environment}"'
PROMETHEUS_QUERIES = {
    "requests": env.text("PORTCULLIS_PROMETHEUS_REQUESTS", f"sum(rate(http_requests_total{{{_OF}}}[5m]))"),
    "errors": env.text("PORTCULLIS_PROMETHEUS_ERRORS", f'sum(rate(http_requests_total{{{_OF},status=~"5.."}}[5m]))'),
    "p95": env.text(
        "PORTCULLIS_PROMETHEUS_P95",
        f"histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{{_OF}}}[5m])))",
    ),
}
# Whoever may edit a service may then ask Prometheus anything.
PROMETHEUS_OWN_QUERIES = env.flag("PORTCULLIS_PROMETHEUS_OWN_QUERIES", False)
# The demo's services to break; bin/up says where they are.
DEMO_TARGET = env.text("PORTCULLIS_DEMO_TARGET").rstrip("/")

# More environments than this, or a greater share, are never torn down in one pass without an administrator's word.
ENVIRONMENT_BRAKE = env.number("PORTCULLIS_ENVIRONMENT_BRAKE", 20, least=1, most=100000)
ENVIRONMENT_BRAKE_PERCENT = env.number("PORTCULLIS_ENVIRONMENT_BRAKE_PERCENT", 50, least=1, most=100)
# A folder of commands that templates of environments may run on this machine; without it they may run none.
LOCAL_COMMANDS = env.text("PORTCULLIS_LOCAL_COMMANDS")
DEMO_PROVIDER = env.text("PORTCULLIS_DEMO_PROVIDER").rstrip("/")
# What probes may call: ports, and how many calls at once in all and of one host.
HEALTH_PORTS = env.ports("PORTCULLIS_HEALTH_PORTS", "80,443,1024-65535")
HEALTH_THREADS = env.number("PORTCULLIS_HEALTH_THREADS", 128, least=4, most=1000)
HEALTH_PER_HOST = env.number("PORTCULLIS_HEALTH_PER_HOST", 8, least=1, most=1000)
# Where a prober asks whether it is itself the one without a network; without any it does not ask.
HEALTH_REFERENCES = env.items("PORTCULLIS_HEALTH_REFERENCES", "")

MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = ["portal.kit.uploads.BoundedUpload"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.api.auth.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["portal.api.auth.HasActor"],
    "DEFAULT_RENDERER_CLASSES": ["portal.api.bodies.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "portal.api.bodies.AlwaysJSON",
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_PARSER_CLASSES": ["portal.api.bodies.JSONParser"],
    "EXCEPTION_HANDLER": "portal.api.errors.answer",
    "UNAUTHENTICATED_USER": None,
}

# The broker is a wake-up bell, never the record: publishing gives up within half a second.
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "max_retries": 0,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "portcullis"
# Steps of environments take minutes: they have workers of their own.
CELERY_TASK_ROUTES = {
    "environments.work": {"queue": "environments"},
    "environments.look": {"queue": "environments"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A tick that nobody took in time is dropped: the next one does the same work.
CELERY_BEAT_SCHEDULE = {
    "github-imports": {"task": "github.import", "schedule": 5.0, "options": {"expires": 10}},
    "migrate": {"task": "catalog.migrate", "schedule": 5.0, "options": {"expires": 10}},
    "timers": {"task": "catalog.expire", "schedule": 2.0, "options": {"expires": 4}},
    "sweep": {"task": "catalog.sweep", "schedule": 3.0, "options": {"expires": 6}},
    "self-check": {"task": "catalog.check", "schedule": crontab(hour=3, minute=20), "options": {"expires": 3600}},
    "slack": {"task": "slackbot.work", "schedule": 2.0, "options": {"expires": 4}},
    "slack-forget": {"task": "slackbot.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "slack-lines": {"task": "slackbot.wait", "schedule": 20.0, "options": {"expires": 20}},
    "deliver": {"task": "audit.deliver", "schedule": 2.0, "options": {"expires": 4}},
    "indexes": {"task": "catalog.index", "schedule": 20.0, "options": {"expires": 20}},
    "levels": {"task": "scorecards.compare", "schedule": 10.0, "options": {"expires": 10}},
    # The next tick waits for the round that is on, so that there is always one.
    "probes": {"task": "health.poll", "schedule": 1.0, "options": {"expires": 2, "queue": "health"}},
    "health": {"task": "health.sweep", "schedule": 20.0, "options": {"expires": 20}},
    "health-roll-up": {"task": "health.roll_up", "schedule": 300.0, "options": {"expires": 300}},
    "lock-expiry": {"task": "locks.expire", "schedule": 5.0, "options": {"expires": 10}},
    "watches": {"task": "deployments.watch", "schedule": 3.0, "options": {"expires": 6}},
    "ingest-log": {"task": "deployments.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "deliveries": {"task": "audit.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "slack-threads": {"task": "notifications.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "webhook-log": {"task": "webhooks.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "integrations": {"task": "integrations.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "environments": {"task": "environments.tick", "schedule": 5.0, "options": {"expires": 10}},
    "environment-work": {"task": "environments.work", "schedule": 3.0, "options": {"expires": 6}},
    "environment-orphans": {"task": "environments.look", "schedule": 300.0, "options": {"expires": 300}},
    "roll-up": {"task": "deployments.roll_up", "schedule": 6 * 3600.0, "options": {"expires": 3600}},
    "freeze-windows": {"task": "locks.lay", "schedule": 3600.0, "options": {"expires": 3600}},
}

SLACK_BOT_TOKEN = env.text("PORTCULLIS_SLACK_TOKEN")
SLACK_API_URL = env.text("PORTCULLIS_SLACK_API_URL", "https://slack.com/api/")
SLACK_CHANNEL = env.text("PORTCULLIS_SLACK_CHANNEL")
# What comes from Slack: signed with the first, or over a socket that is opened with the second.
SLACK_SIGNING_SECRET = env.text("PORTCULLIS_SLACK_SIGNING_SECRET")
SLACK_APP_TOKEN = env.text("PORTCULLIS_SLACK_APP_TOKEN")
# Where the addresses of one's own people are; empty is everywhere that Slack has confirmed.
SLACK_DOMAINS = [each.lower().lstrip("@") for each in env.items("PORTCULLIS_SLACK_DOMAINS", "")]

# Without a server nobody is told anything by e-mail.
_MAIL = env.mail("PORTCULLIS_EMAIL_URL")
EMAIL_HOST, EMAIL_PORT = _MAIL.host, _MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.user, _MAIL.password
EMAIL_USE_SSL, EMAIL_USE_TLS = _MAIL.secure, _MAIL.starttls
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.text("PORTCULLIS_EMAIL_FROM") or f"Portcullis <portcullis@{urlsplit(BASE_URL).hostname}>"

GITHUB_APP_ID = env.text("PORTCULLIS_GITHUB_APP_ID")
GITHUB_PRIVATE_KEY = env.text("PORTCULLIS_GITHUB_PRIVATE_KEY")
GITHUB_WEBHOOK_SECRET = env.text("PORTCULLIS_GITHUB_WEBHOOK_SECRET")
# Reads the commits of deployments that were reported without any.
GITHUB_TOKEN = env.text("PORTCULLIS_GITHUB_TOKEN")
# Tiers whose stopped runs are run again when the lock ends; none unless somebody chooses so.
GITHUB_RERUN = env.items("PORTCULLIS_GITHUB_RERUN", "")
# Repositories whose workflows actions may start; none unless somebody names them.
GITHUB_WORKFLOWS = env.items("PORTCULLIS_GITHUB_WORKFLOWS", "")
GITHUB_API_URL = env.text("PORTCULLIS_GITHUB_API_URL", "https://api.github.com").rstrip("/")
# Where actions begin pipelines.
GITLAB_URL = env.text("PORTCULLIS_GITLAB_URL", "https://gitlab.com").rstrip("/")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("PORTCULLIS_LOG_LEVEL", "INFO")},
    "loggers": {"django.request": {"level": "ERROR"}},
}
