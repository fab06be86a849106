//! The team server end to end: the real program, real clients, loopback only.
mod backends;
mod page_html;
mod page_world;
mod pages;
mod pages_chromium;
mod start;
mod world;
