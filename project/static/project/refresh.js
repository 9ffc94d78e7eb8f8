"use strict";

// Videos are under way: look again every few seconds, but never take a video away from somebody who watches it.
const SECONDS = 5;

function beingWatched(video) {
  return video.currentTime > 0 || !video.paused;
}

setInterval(() => {
  const videos = [...document.querySelectorAll("video")];
  if (!document.hidden && !videos.some(beingWatched)) {
    location.reload();
  }
}, SECONDS * 1000);
