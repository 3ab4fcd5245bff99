export const metadata = { title: "Reconnect your bank" };

export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>;
}
