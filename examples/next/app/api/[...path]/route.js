// This application's backend: it passes the widget's requests on to the reference host, as the signed-in user.

const host = process.env.FLINKS_HOST ?? "http://localhost:4200";
const passedOn = ["cookie", "content-type", "idempotency-key"];

export async function POST(request, { params }) {
  const { path } = await params;
  const headers = passedOn.map((name) => [name, request.headers.get(name)]).filter(([, value]) => value !== null);
  const answer = await fetch(`${host}/api/${path.map(encodeURIComponent).join("/")}`, { method: "POST", headers, body: await request.text() });
  return new Response(answer.body, { status: answer.status, headers: { "Content-Type": answer.headers.get("content-type") } });
}
