"use strict";

// Reloads the page every few seconds while tasks are unfinished, but never while a video is being played.
const SECONDS = 5;

function isPlaying(video) {
  return video.currentTime > 0 || !video.paused;
}

setInterval(() => {
  const videos = [...document.querySelectorAll("video")];
  if (!document.hidden && !videos.some(isPlaying)) {
    location.reload();
  }
}, SECONDS * 1000);
