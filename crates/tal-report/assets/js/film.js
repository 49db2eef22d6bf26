// The film beside the timeline.

function filmPanel() {
  const note = element("p", { class: "notice" });
  const film = element("video", {
    controls: true, preload: "auto", playsinline: true, "aria-label": "Film of the recording",
  });
  const panel = element("div", { class: "film" }, film, note);
  let isFollowing = false;

  const load = () => {
    const { film: address } = currentRecording();
    panel.hidden = !address;
    note.hidden = true;
    if (address) {
      film.src = address;
    } else {
      film.removeAttribute("src");
    }
  };
  const seek = () => {
    if (!panel.hidden && state.playhead !== null) {
      film.currentTime = state.playhead;
    }
  };
  /** Moves the playhead with the film, and the view when the playhead leaves it. */
  const follow = () => {
    if (film.paused || film.ended) {
      isFollowing = false;
      return;
    }
    const { from, to } = state.view;
    setPlayhead(film.currentTime);
    if (film.currentTime > to || film.currentTime < from) {
      setView(film.currentTime, film.currentTime + to - from);
    }
    requestAnimationFrame(follow);
  };
  film.addEventListener("play", () => {
    if (!isFollowing) {
      isFollowing = true;
      requestAnimationFrame(follow);
    }
  });
  film.addEventListener("seeked", () => {
    if (film.currentTime !== state.playhead) {
      setPlayhead(film.currentTime);
    }
  });
  film.addEventListener("error", () => {
    note.hidden = !film.getAttribute("src");
    note.textContent = "The browser cannot play this film: it is not there, or in a format that browsers do not know. "
      + "MP4 with H.264 and WebM play everywhere.";
  });
  on("recording", load);
  on("seek cue", seek);
  on("play", () => {
    if (!panel.hidden) {
      film[film.paused ? "play" : "pause"]()?.catch(() => {});
    }
  });
  load();
  return panel;
}
