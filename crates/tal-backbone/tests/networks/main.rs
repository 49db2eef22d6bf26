//! Tests of the public interface, in one program.

mod download;
mod efficientnet_weights;
mod files;
mod formula;
mod golden;
mod loading;
mod released;
mod scripted;
mod support;
