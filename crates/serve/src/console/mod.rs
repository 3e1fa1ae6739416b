//! The console: pages drawn on the server, readable without script, with the URL as their state.
//!
//! It must not decide, and it must not show what came from a network as anything but text: maud escapes, and nothing here is
//! `PreEscaped` but our own files. See CONSOLE in docs/design for how it should feel.

mod assets;
mod bulk;
mod device;
mod devices;
mod failed;
mod findings;
pub(crate) mod form;
mod help;
mod job;
mod layout;
mod network;
mod now;
mod parts;
pub(crate) mod parts_about;
pub(crate) mod parts_link;
mod prove;
mod reports;
mod rooms;
mod settings;
mod tasks;
mod visit;
mod zones;

pub(crate) use device::{address_kind, named_device_id, talk_range, timeline_kind};
pub(crate) use failed::{Failed, no_page};
pub(crate) use layout::Page;
pub(crate) use rooms::Room;
pub(crate) use visit::Visit;

use crate::house::House;
use axum::Router;

/// The result of a page: a page, or a page that says what is wrong.
pub(crate) type Shown = std::result::Result<Page, Failed>;

/// The routes of the console.
pub fn routes(house: House) -> Router {
    let rooms: Router<House> = [
        now::routes(),
        devices::routes(),
        bulk::routes(),
        device::routes(),
        findings::routes(),
        tasks::routes(),
        parts_about::routes(),
        network::routes(),
        zones::routes(),
        prove::routes(),
        settings::routes(),
        reports::routes(),
        help::routes(),
        layout::routes(),
        assets::routes(),
    ]
    .into_iter()
    .fold(Router::new(), Router::merge);
    rooms.with_state(house)
}
