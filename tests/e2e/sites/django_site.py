"""A site in Django around the app `livechat` in this folder, which is the one in docs/your-own-endpoint.md."""

import pathlib
import socketserver
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings
from django.core.management.utils import get_random_secret_key

sys.dont_write_bytecode = True
folder = pathlib.Path.cwd()
sys.path.insert(0, str(folder))
settings.configure(
    SECRET_KEY=get_random_secret_key(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "site.sqlite"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "livechat"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
)
django.setup()

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.middleware.csrf import get_token
from django.urls import include, path


def page(request):
    """Signs in who is named, and answers with what a page has for its own requests."""
    if "as" in request.GET:
        login(request, User.objects.get_or_create(username=request.GET["as"])[0])
    return JsonResponse({"header": "X-CSRFToken", "token": get_token(request)})


urlpatterns = [path("page", page), path("livechat/", include("livechat.urls"))]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """Answers requests at the same time."""

    daemon_threads = True


call_command("makemigrations", "livechat", verbosity=0)
call_command("migrate", verbosity=0)
server = Server(("127.0.0.1", 0), WSGIRequestHandler)
server.set_app(get_wsgi_application())
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
