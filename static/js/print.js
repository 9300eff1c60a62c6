// The sheet's one button.

import { byId } from "./dom.js";

byId("print").addEventListener("click", () => window.print());
