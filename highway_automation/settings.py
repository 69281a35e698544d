"""All settings, read once from the environment. A bad value stops the start and names its variable.

`make up` writes its secrets to `$VAR_DIR/highway.env`; that file is read first, the real environment wins over it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import structlog
from django.core.exceptions import ImproperlyConfigured

from highway_automation import installation
from highway_automation.theme import UNFOLD as UNFOLD

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()
TESTING = "pytest" in sys.modules

if not TESTING:
    environ.Env.read_env(VAR_DIR / "highway.env")
env = environ.Env()
BOOLEANS = ("1", "0", "true", "false", "yes", "no", "on", "off")


def read(kind: str, name: str, default: Any = environ.Env.NOTSET) -> Any:
    """The environment variable `name` cast to `kind` (bool, int, float, list, str, db_url …), or a clear refusal."""
    given = name if os.environ.get(name) else f"{name} (not set)"  # an empty value counts as none
    if kind == "bool" and os.environ.get(name, "").lower() not in {"", *BOOLEANS}:
        raise ImproperlyConfigured(f"{name}={os.environ[name]!r} is not one of {', '.join(BOOLEANS)}.")
    try:
        return getattr(env, kind)(given, default=default)
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(f"Set {name}: {error}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise ImproperlyConfigured(f"{name}={os.environ.get(name)!r} is not a valid {kind}: {error}") from None


PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def rate(name: str, default: str) -> str:
    """A limit such as 60/min or 20/hour."""
    given: str = read("str", name, default)
    number, _, period = given.partition("/")
    if not number.isdecimal() or not int(number) or period[:1] not in PERIODS:
        raise ImproperlyConfigured(f"{name}={given!r} is no limit such as 60/min (s, min, hour or day).")
    return given


# Safety -------------------------------------------------------------------------------------------------------------
INSECURE_KEY = "insecure-key-for-tests-and-debugging-only"
DEBUG: bool = read("bool", "HIGHWAY_DEBUG", False)
SECRET_KEY: str = read("str", "HIGHWAY_SECRET_KEY", INSECURE_KEY if DEBUG or TESTING else "")
if not SECRET_KEY or (SECRET_KEY == INSECURE_KEY and not (DEBUG or TESTING)):
    raise ImproperlyConfigured(
        f"Set HIGHWAY_SECRET_KEY to a long random text, or run `make up` once: it writes one to {VAR_DIR}/highway.env."
    )
HIGHWAY_ENCRYPTION_KEYS: list[str] = read(
    "list", "HIGHWAY_ENCRYPTION_KEYS", ["aW5zZWN1cmUta2V5LWZvci10ZXN0cy1vbmx5LTMyYnk="] if DEBUG or TESTING else []
)
if not HIGHWAY_ENCRYPTION_KEYS:
    raise ImproperlyConfigured(
        "Set HIGHWAY_ENCRYPTION_KEYS to one or more Fernet keys separated by commas; the first one encrypts. "
        'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())" prints one.'
    )
HIGHWAY_PORT: int = read("int", "PORT", 8000)
SERVED = "" if TESTING or os.environ.get("PORT") else installation.told_address()
HIGHWAY_BASE_URL: str = read("str", "HIGHWAY_BASE_URL", SERVED or f"http://127.0.0.1:{HIGHWAY_PORT}").rstrip("/")
BASE_ORIGIN = urlsplit(HIGHWAY_BASE_URL)
if BASE_ORIGIN.scheme not in ("http", "https") or not BASE_ORIGIN.hostname:
    raise ImproperlyConfigured(f"HIGHWAY_BASE_URL={HIGHWAY_BASE_URL!r} is no http or https URL.")
ALLOWED_HOSTS: list[str] = read("list", "HIGHWAY_ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
BASE_HOST = f"[{BASE_ORIGIN.hostname}]" if ":" in BASE_ORIGIN.hostname else BASE_ORIGIN.hostname
ALLOWED_HOSTS = list(dict.fromkeys([*ALLOWED_HOSTS, BASE_HOST]))
HTTPS: bool = read("bool", "HIGHWAY_HTTPS", BASE_ORIGIN.scheme == "https")
CSRF_TRUSTED_ORIGINS: list[str] = read("list", "HIGHWAY_CSRF_TRUSTED_ORIGINS", [])
if BASE_ORIGIN.scheme == "https":
    CSRF_TRUSTED_ORIGINS = list(dict.fromkeys([f"https://{BASE_ORIGIN.netloc}", *CSRF_TRUSTED_ORIGINS]))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS: int = read("int", "HIGHWAY_HSTS_SECONDS", 31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
BEHIND_PROXY: bool = read("bool", "HIGHWAY_BEHIND_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
HIGHWAY_PROXIES: int = read("int", "HIGHWAY_PROXIES", 1) if BEHIND_PROXY else 0
if BEHIND_PROXY and HIGHWAY_PROXIES < 1:
    raise ImproperlyConfigured(f"HIGHWAY_PROXIES={HIGHWAY_PROXIES} must be 1 or more behind a proxy.")
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
HIGHWAY_CLOCK_OFFSET_FILE: str = read("str", "HIGHWAY_CLOCK_OFFSET_FILE", "")
if HIGHWAY_CLOCK_OFFSET_FILE and not (DEBUG or TESTING):
    raise ImproperlyConfigured("HIGHWAY_CLOCK_OFFSET_FILE moves the clock: unset it, or set HIGHWAY_DEBUG=1.")

# Applications -------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "auditlog",
    "axes",
    "tenants_app",
    "runs_app",
    "templates_app",
    "schedules_app",
    "triggers_app",
    "highway_automation",
]
MIDDLEWARE = [
    "highway_automation.base.middleware.ClientAddress",
    "highway_automation.base.middleware.HeadWithoutBody",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants_app.middleware.CurrentTenantMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "auditlog.middleware.AuditlogMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "highway_automation.urls"
WSGI_APPLICATION = "highway_automation.wsgi.application"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "highway_automation" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_USER_MODEL = "tenants_app.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"
PASSWORD_RESET_TIMEOUT: int = 3600 * read("int", "HIGHWAY_LINK_HOURS", 72)  # invitations and lost passwords
LOGIN_THROTTLE = rate("HIGHWAY_LOGIN_THROTTLE", "60/min")
AXES_FAILURE_LIMIT = int(LOGIN_THROTTLE.partition("/")[0])
AXES_COOLOFF_TIME = timedelta(seconds=PERIODS[LOGIN_THROTTLE.partition("/")[2][0]])
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_SENSITIVE_PARAMETERS = ["username"]  # not in the log: some type their password there
AXES_LOCKOUT_CALLABLE = "tenants_app.admin.passwords.locked_out"
AXES_CLIENT_IP_CALLABLE = "highway_automation.base.middleware.address_of"
AUDITLOG_CID_HEADER = None  # a header of any length would stand in the log, or be too long for it
AXES_ENABLED = not TESTING or read("bool", "HIGHWAY_TEST_AXES", False)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
USE_I18N = True
FORMAT_MODULE_PATH = ["highway_automation.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

# Database -----------------------------------------------------------------------------------------------------------
DATABASE_URL_NAME = "HIGHWAY_TEST_DATABASE_URL" if TESTING else "DATABASE_URL"
DATABASE: dict[str, Any] = read("db_url", DATABASE_URL_NAME, f"sqlite:///{VAR_DIR}/highway.sqlite3")
DATABASE_ENGINE = DATABASE.get("ENGINE", "").rsplit(".", 1)[-1]
if DATABASE_ENGINE == "sqlite3":
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
    }
elif DATABASE_ENGINE == "postgresql":
    DATABASE["CONN_HEALTH_CHECKS"] = True
    DATABASE["OPTIONS"] = {"connect_timeout": 5, **DATABASE.get("OPTIONS", {})}
    if not TESTING:
        # A process that is frozen or cut off in the middle of a transaction must not hold its locks for hours.
        DATABASE["OPTIONS"].setdefault("options", "-c idle_in_transaction_session_timeout=60000")
        pool_size: int = read("int", "HIGHWAY_DB_POOL", 40)
        DATABASE["OPTIONS"]["pool"] = {"min_size": 2, "max_size": pool_size, "timeout": 10}
else:
    raise ImproperlyConfigured(f"{DATABASE_URL_NAME} must start with postgres:// or sqlite:///.")
if TESTING:
    suffix: str = read("str", "TEST_DB_SUFFIX", "")
    scratch = Path(tempfile.gettempdir()) / f"highway-test-{os.getpid()}.sqlite3"  # a file, as threads share it
    DATABASE["TEST"] = {"NAME": f"test_highway_{suffix}" if DATABASE_ENGINE == "postgresql" else str(scratch)}
DATABASES = {"default": DATABASE}

# Celery: the row is the truth, a message is a doorbell --------------------------------------------------------------
HIGHWAY_QUEUE = "highway_internal"
HIGHWAY_CONTROL_QUEUE = "highway_control"
CELERY_BROKER_URL: str = read("str", "BROKER_URL", "memory://localhost/")
CELERY_TASK_DEFAULT_QUEUE = HIGHWAY_CONTROL_QUEUE
CELERY_TASK_ROUTES = {"runs_app.tasks.work": {"queue": HIGHWAY_QUEUE}}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_HEARTBEAT = 10
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"polling_interval": 0.05}
if CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1, "socket_timeout": 5, "socket_keepalive": True}
LOCAL_CACHE = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
CACHES: dict[str, Any] = {"default": LOCAL_CACHE, "local": {**LOCAL_CACHE, "LOCATION": "local"}}
if os.environ.get("HIGHWAY_CACHE_URL"):
    CACHES["default"] = read("cache_url", "HIGHWAY_CACHE_URL")
elif CELERY_BROKER_URL.startswith(("redis://", "rediss://")) and not TESTING:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CELERY_BROKER_URL,
        "KEY_PREFIX": "highway",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
# What several web processes count together, without a cache between them, they count in the database.
HIGHWAY_COUNT_IN_DATABASE = CACHES["default"] is LOCAL_CACHE and DATABASE_ENGINE == "postgresql" and not TESTING
CELERY_BEAT_SCHEDULER = "highway_automation.scheduler:HighwayScheduler"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {  # housekeeping; each may be sent by several schedulers and does nothing the second time
    "Adopt users without a tenant": {"task": "tenants_app.tasks.adopt_users_without_tenant", "schedule": 300.0},
    "Forget counts of limits": {"task": "tenants_app.tasks.forget_counts", "schedule": 600.0},
    "Forget old mail about accounts": {"task": "tenants_app.tasks.forget_account_mail", "schedule": 86_400.0},
    "Purge what is past its retention": {"task": "runs_app.tasks.purge_expired", "schedule": 3600.0},
    "Remove folders of ended runs": {"task": "runs_app.tasks.remove_work_folders", "schedule": 900.0},
    "Forget old audit entries and sessions": {"task": "tenants_app.tasks.forget_traces", "schedule": 86_400.0},
    "Forget dead workers": {"task": "runs_app.tasks.forget_dead_workers", "schedule": 3600.0},
}

# The engine ---------------------------------------------------------------------------------------------------------
HIGHWAY_WORKER_THREADS: int = read("int", "HIGHWAY_WORKER_THREADS", 16)
HIGHWAY_LEASE_SECONDS: float = read("float", "HIGHWAY_LEASE_SECONDS", 30.0)
HIGHWAY_GRACE_SECONDS: float = read("float", "HIGHWAY_GRACE_SECONDS", 10.0)
HIGHWAY_STEP_OUTPUT_BYTES: int = read("int", "HIGHWAY_STEP_OUTPUT_BYTES", 256 * 1024)
HIGHWAY_BODY_BYTES: int = read("int", "HIGHWAY_BODY_BYTES", 1024 * 1024)
HIGHWAY_ARTIFACT_BYTES: int = read("int", "HIGHWAY_ARTIFACT_BYTES", 10 * 1024 * 1024)
HIGHWAY_ARTIFACTS_BYTES: int = read("int", "HIGHWAY_ARTIFACTS_BYTES", 1024 * 1024 * 1024)
HIGHWAY_DEFAULT_TENANT: str = read("str", "HIGHWAY_DEFAULT_TENANT", "")
HIGHWAY_ENV_ALLOW: list[str] = read("list", "HIGHWAY_ENV_ALLOW", [])
HIGHWAY_ENV: dict[str, str] = {name: os.environ[name] for name in HIGHWAY_ENV_ALLOW if name in os.environ}
HIGHWAY_ALLOW_UNSANDBOXED_CODE: bool = read("bool", "HIGHWAY_ALLOW_UNSANDBOXED_CODE", False)
HIGHWAY_PYTHON_FUNCTIONS: list[str] = read("list", "HIGHWAY_PYTHON_FUNCTIONS", [])
HIGHWAY_WORK_DIR: str = read("str", "HIGHWAY_WORK_DIR", str(VAR_DIR / "work"))
HIGHWAY_RETENTION_RUNS_DAYS: int = read("int", "HIGHWAY_RETENTION_RUNS_DAYS", 30)
HIGHWAY_RETENTION_EVENTS_DAYS: int = read("int", "HIGHWAY_RETENTION_EVENTS_DAYS", 14)
HIGHWAY_RETENTION_HISTORY_DAYS: int = read("int", "HIGHWAY_RETENTION_HISTORY_DAYS", 90)
HIGHWAY_RETENTION_AUDIT_DAYS: int = read("int", "HIGHWAY_RETENTION_AUDIT_DAYS", 365)
HIGHWAY_CODE_MEMORY_MB: int = read("int", "HIGHWAY_CODE_MEMORY_MB", 1024)
HIGHWAY_PID_NAMESPACE: bool = read("bool", "HIGHWAY_PID_NAMESPACE", True)
HIGHWAY_IMPORT_BYTES: int = read("int", "HIGHWAY_IMPORT_BYTES", 16 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = HIGHWAY_BODY_BYTES

# Mail: no SMTP server set means files under VAR_DIR/mail ------------------------------------------------------------
EMAIL_FILE_PATH = str(VAR_DIR / "mail")
EMAIL_URL: str = read("str", "HIGHWAY_EMAIL_URL", "")
if EMAIL_URL:
    vars().update(read("email_url", "HIGHWAY_EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_TIMEOUT: float = read("float", "HIGHWAY_EMAIL_TIMEOUT", 20.0)
DEFAULT_FROM_EMAIL: str = read("str", "HIGHWAY_FROM_EMAIL", "Highway <highway@localhost>")

# Files served -------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT: str | None = read("str", "HIGHWAY_STATIC_ROOT", "") or None
WHITENOISE_USE_FINDERS = True

# The API ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "highway_automation.base.api.description.Operation",
    "EXCEPTION_HANDLER": "highway_automation.base.api.problem_handler",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants_app.authentication.APIKeyAuthentication",
        "tenants_app.authentication.TenantSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["highway_automation.base.api.SafeJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["tenants_app.throttling.KeyThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "key": rate("HIGHWAY_THROTTLE", "6000/min"),
        "login": LOGIN_THROTTLE,
        "password-mail": rate("HIGHWAY_PASSWORD_MAIL_THROTTLE", "20/hour"),
    },
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "FORMAT_SUFFIX_KWARG": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Highway Automation",
    "DESCRIPTION": "Workflow templates, schedules and event triggers.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["highway_automation.base.api.description.documented"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "highway_automation.examples.with_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "runs_app.statuses.RunStatus",
        "StepStatus": "runs_app.statuses.StepStatus",
    },
}

# Logs ---------------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(colors=False)
                if not read("bool", "HIGHWAY_LOG_JSON", False)
                else structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.ExceptionRenderer(),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": read("str", "HIGHWAY_LOG_LEVEL", "WARNING")},
}
