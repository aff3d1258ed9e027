// The sign-in box around GraphiQL. The access token is in this page's memory only; a cookie that no script can read
// gets another one, after ten minutes and after a reload.
"use strict";

const ENDPOINT = "/graphql";
const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { accessToken }
}`;
const GO_ON = "mutation GoOn { sessionRefresh(input: {}) { accessToken } }";
const LEAVE = "mutation Leave { signOut(input: {}) { ended } }";
const WHO = "{ me { userName } organisation { name } }";
const WELCOME = `# Sign in above, then press the arrow or Ctrl-Enter.
{
  organisation { name currency }
  invoices(first: 5) {
    totalCount
    nodes { number status total balance currency client { name } }
  }
}
`;

const form = document.getElementById("sign-in");
const who = document.getElementById("who");
const message = document.getElementById("message");
const place = document.getElementById("graphiql");
let token = null;

async function send(parameters, bearer = token) {
  const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json, application/json" };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const answer = await fetch(ENDPOINT, { method: "POST", headers, body: JSON.stringify(parameters) });
  return { status: answer.status, result: await answer.json() };
}

// Another access token by the cookie, if there is one.
async function goOn() {
  const { result } = await send({ query: GO_ON }, null);
  return result.data ? result.data.sessionRefresh.accessToken : null;
}

async function ask(parameters) {
  let { status, result } = await send(parameters);
  if (token && status === 401) {
    token = await goOn();
    if (token) ({ status, result } = await send(parameters));
    else signedOut(result.errors[0].message);
  }
  return result;
}

async function signedIn(given) {
  token = given;
  const { data } = await ask({ query: WHO });
  if (data) who.firstElementChild.textContent = `${data.me.userName}, ${data.organisation.name}`;
  show();
}

function show() {
  form.hidden = token !== null;
  who.hidden = token === null;
  ReactDOM.unmountComponentAtNode(place);
  if (token === null && document.body.dataset.needsSignIn === "yes") return;
  const graphiql = React.createElement(GraphiQL, {
    fetcher: ask,
    defaultQuery: WELCOME,
    isHeadersEditorEnabled: false,
    shouldPersistHeaders: false,
  });
  ReactDOM.render(graphiql, place);
}

function signedOut(why = "") {
  token = null;
  message.textContent = why;
  show();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(form));
  if (!given.organisation) delete given.organisation;
  message.textContent = "";
  try {
    const { result } = await send({ query: SIGN_IN, variables: { input: { ...given, refreshToken: "COOKIE" } } });
    if (result.errors) {
      message.textContent = result.errors[0].message;
      return;
    }
    form.elements.password.value = "";
    await signedIn(result.data.signIn.accessToken);
  } catch {
    message.textContent = "The server did not answer. Is it running?";
  }
});

document.getElementById("sign-out").addEventListener("click", async () => {
  await ask({ query: LEAVE });
  signedOut();
});
goOn().then((found) => (found ? signedIn(found) : show()), show);
