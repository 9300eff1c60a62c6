// The session ended: say so on the page one is on, and lead through the login back to it. Nothing typed is thrown away.

import { tell } from "./dom.js";
import { say } from "./words.js";

/** The login that comes back to this very page. */
export const loginPath = () => `/login?next=${encodeURIComponent(location.pathname + location.search)}`;

/** Say it in `notice`, with the link that stands in it. */
export function sessionOver(notice) {
  tell(notice, say("logged_out"));
  offerLogin(notice, true);
}

/** Show or hide the notice's link to the login. */
export function offerLogin(notice, offered) {
  const link = notice.querySelector("a");
  link.hidden = !offered;
  link.href = loginPath();
}
