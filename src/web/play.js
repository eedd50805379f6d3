/* The start: everything that the page needs is there. */
"use strict";

readLink();
build();
listen();
show();
start().catch(error => fail(error.message));
