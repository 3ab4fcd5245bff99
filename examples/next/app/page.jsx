import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { theApplication } from "../server/application";
import { Bank } from "./bank";

// Rendered anew for every visitor, on the server.
export const dynamic = "force-dynamic";

export default async function Page() {
  const { bank, userOf } = theApplication();
  const user = userOf(await cookies());
  if (!user) return <SignIn />;
  const [{ id, refreshedAt }] = await bank.connections(user);
  return (
    <>
      <p>{refreshedAt ? `Your bank's data is of ${refreshedAt}.` : "There is no data of your bank yet."}</p>
      <Bank id={id} />
    </>
  );
}

function SignIn() {
  return (
    <form action={signIn}>
      <label>Name <input name="name" autoComplete="username" /></label>
      <label>Password <input name="password" type="password" autoComplete="current-password" /></label>
      <button>Sign in</button>
    </form>
  );
}

async function signIn(form) {
  "use server";
  const session = await theApplication().signIn(form.get("name"), form.get("password"));
  if (session) (await cookies()).set("session", session, { httpOnly: true, sameSite: "strict" });
  redirect("/");
}
