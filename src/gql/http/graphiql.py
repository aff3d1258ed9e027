"""/graphiql: GraphiQL, the console for people, with a sign-in box above it.

Everything comes from this server, so it works without the internet, and the page may load nothing from elsewhere.
The files of GraphiQL and of React are those of an installed package, which nothing else is used of.
"""

from importlib.resources import files
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

OURS: Final = Path(__file__).parent / "console"
PACKAGE: Final = "graphene_django_graphiql_static"
ASSETS: Final = {
    "console.css": None,
    "console.js": None,
    "graphiql.min.css": PACKAGE,
    "graphiql.min.js": PACKAGE,
    "react.production.min.js": PACKAGE,
    "react-dom.production.min.js": PACKAGE,
}

# The editor of GraphiQL positions its lines by style attributes and carries its fonts inside its style sheet.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Referrer-Policy": "no-referrer"}
CACHED: Final = "public, max-age=3600"


def routes(*, needs_sign_in: bool) -> list[Route]:
    """The page and its files. Where it `needs_sign_in`, GraphiQL appears only to whoever has signed in, who alone may
    ask for the schema; the page itself holds no secret."""
    page = (OURS / "index.html").read_text(encoding="utf-8")
    page = page.replace('data-needs-sign-in=""', f'data-needs-sign-in="{"yes" if needs_sign_in else "no"}"')
    places = {name: _place(name, package) for name, package in ASSETS.items()}

    async def console(request: Request) -> Response:
        return HTMLResponse(page, headers=HEADERS)

    async def asset(request: Request) -> Response:
        place = places.get(request.path_params["name"])
        if place is None:
            return Response(status_code=404)
        return FileResponse(place, headers={"Cache-Control": CACHED})

    return [Route("/graphiql", console), Route("/graphiql/{name}", asset)]


def _place(name: str, package: str | None) -> str:
    return str(OURS / name if package is None else files(package).joinpath("static", package, name))
