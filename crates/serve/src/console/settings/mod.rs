//! Pages of settings.

use crate::house::House;
use axum::Router;

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new()
}
