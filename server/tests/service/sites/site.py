"""A site in Django with its ordinary sessions, kept in signed cookies. It answers 401 to who is not signed in."""

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.core.management.utils import get_random_secret_key
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path

settings.configure(
    SECRET_KEY=get_random_secret_key(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)


def sign_in(request):
    request.session["user_id"] = int(request.GET["as"])
    return JsonResponse({})


def sign_out(request):
    request.session.flush()
    return JsonResponse({})


def me(request):
    if "user_id" not in request.session:
        return HttpResponse(status=401)
    return JsonResponse({"id": request.session["user_id"]})


urlpatterns = [path("sign-in", sign_in), path("sign-out", sign_out), path("me", me)]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), handler_class=Quiet).serve_forever()
