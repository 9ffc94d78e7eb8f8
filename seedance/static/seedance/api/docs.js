"use strict";

(() => {
  const place = document.getElementById("swagger-ui");
  if (!place || typeof SwaggerUIBundle === "undefined") {
    return; // the plain list stays
  }
  document.documentElement.classList.add("has-swagger-ui");

  SwaggerUIBundle({
    domNode: place,
    url: place.dataset.schemaUrl,
    deepLinking: true,
    persistAuthorization: false,
    requestInterceptor: (request) => {
      if (new URL(request.url, location.href).origin === location.origin) {
        request.headers["X-CSRFToken"] = place.dataset.csrfToken;
      }
      return request;
    },
  });
})();
