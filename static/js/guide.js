// The guide needs a script only to be printed, to lead back, and to be there without network from now on.

import { byId } from "./dom.js";
import { startWorker } from "./pwa.js";

byId("print").addEventListener("click", () => print());
byId("back").addEventListener("click", (event) => {
  if (!document.referrer.startsWith(location.origin)) return;
  event.preventDefault();
  history.back(); // perhaps to an invitation that is still to be used
});
startWorker();
