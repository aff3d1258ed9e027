// The sign-in box around GraphiQL. The access token is kept in this page's memory only: a reload forgets it.
"use strict";

const ENDPOINT = "/graphql";
const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { accessToken expiresAt organisation { name } }
}`;
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

async function ask(parameters) {
  const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json, application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(ENDPOINT, { method: "POST", headers, body: JSON.stringify(parameters) });
  const result = await answer.json();
  if (token && answer.status === 401) signOut(result.errors[0].message);
  return result;
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

function signOut(why = "") {
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
    const result = await ask({ query: SIGN_IN, variables: { input: given } });
    if (result.errors) {
      message.textContent = result.errors[0].message;
      return;
    }
    token = result.data.signIn.accessToken;
    who.firstElementChild.textContent = `${given.email}, ${result.data.signIn.organisation.name}`;
    form.elements.password.value = "";
    show();
  } catch {
    message.textContent = "The server did not answer. Is it running?";
  }
});

document.getElementById("sign-out").addEventListener("click", () => signOut());
show();
