//! Acts on one device: tags, review, decisions. The same as on its page.

use super::shapes::{Changed, DecisionShown, DecisionTold, TagTold};
use super::{ID, NOUN, This};
use crate::api::query::Told;
use crate::api::{Endpoint, Problem, findings};
use crate::dossier::acts::{self, Decided, Said};
use crate::house::House;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, post};
use model::{DeviceId, Tag};

/// What there is.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new("post", "/api/v1/devices/{id}/tags", "addDeviceTag", NOUN, "Puts a tag on.", post(tag))
            .at(ID)
            .taking::<TagTold>()
            .answering::<Changed>(200),
        Endpoint::new(
            "post",
            "/api/v1/devices/{id}/review",
            "acceptDevice",
            NOUN,
            "Accepts the device: it belongs here, and what is believed of it is right.",
            post(accept),
        )
        .at(ID)
        .answering::<Changed>(200),
        Endpoint::new(
            "delete",
            "/api/v1/devices/{id}/review",
            "askForReview",
            NOUN,
            "Asks for another review of the device.",
            delete(not_accepted),
        )
        .at(ID)
        .answering::<Changed>(200),
        Endpoint::new(
            "post",
            "/api/v1/devices/{id}/decisions",
            "decideDevice",
            NOUN,
            "Decides that another device is this one, that an address is not its own, or takes a decision back.",
            post(decide),
        )
        .at(ID)
        .taking::<DecisionTold>()
        .answering::<DecisionShown>(200),
    ]
}

async fn say(house: &House, id: DeviceId, said: Said) -> Result<Json<Changed>, Problem> {
    Ok(Json(Changed { changed: acts::say(house, id, said).await? }))
}

async fn tag(
    State(house): State<House>,
    This(id): This,
    Told(told): Told<TagTold>,
) -> Result<Json<Changed>, Problem> {
    let wrong = |wrong: model::Invalid| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, wrong.to_string());
    let tag: Tag = told.tag.parse().map_err(wrong)?;
    say(&house, id, Said::Tagged(tag)).await
}

async fn accept(State(house): State<House>, This(id): This) -> Result<Json<Changed>, Problem> {
    say(&house, id, Said::Accepted).await
}

async fn not_accepted(State(house): State<House>, This(id): This) -> Result<Json<Changed>, Problem> {
    say(&house, id, Said::NotAccepted).await
}

async fn decide(
    State(house): State<House>,
    This(device): This,
    Told(told): Told<DecisionTold>,
) -> Result<Json<DecisionShown>, Problem> {
    let decided = match told {
        DecisionTold::Merge { other, reason } => {
            let b = findings::named_device("other", &other)?;
            Decided::Merge { a: device, b, reason }
        }
        DecisionTold::Split { address, reason } => Decided::Split { device, endpoint: address, reason },
        DecisionTold::Revert { decision } => Decided::Revert { decision },
    };
    let outcome = acts::decide(&house, decided).await?;
    let number = |name: &str| outcome.get(name).and_then(serde_json::Value::as_i64);
    let unheeded = outcome.get("unheeded").and_then(serde_json::Value::as_array);
    Ok(Json(DecisionShown {
        decision: number("decision").unwrap_or_default(),
        heeded: outcome.get("heeded").and_then(serde_json::Value::as_bool).unwrap_or_default(),
        unheeded: unheeded.into_iter().flatten().filter_map(serde_json::Value::as_i64).collect(),
    }))
}
