//! How ordinary customers use their telephones: twelve types of customers, each with medians and spreads.
//!
//! Every figure of a month is median × the customer's own level × the month's chance × the season, all of them skewed as
//! usage of people is: most customers below the mean, a few far above. It claims nothing about which plan is best; the
//! plans listed are those that such customers are sold, which by the literature suits about a quarter of them.

use crate::catalogue::prices::{GB, MB};
use crate::usage::What;

/// A type of customer.
#[derive(Debug)]
pub(crate) struct Archetype {
    /// How often it occurs, against the others.
    pub(crate) weight: u32,
    pub(crate) customer_type: &'static str,
    /// Plans held, with weights.
    pub(crate) plans: &'static [(&'static str, u32)],
    /// What is used in a month: quantity and its median.
    pub(crate) medians: &'static [(What, u64)],
    /// Spread between customers, in permille of a doubling.
    pub(crate) between_customers: u32,
    /// Spread between the months of a customer, in permille of a doubling.
    pub(crate) between_months: u32,
    /// Season by calendar month, January first, in permille.
    pub(crate) season: &'static [u64; 12],
    /// Greatest number of family members.
    pub(crate) family_max: u64,
    /// How many of 1,000 have the operator's broadband.
    pub(crate) broadband: u32,
}

/// Every month alike.
const STEADY: [u64; 12] = [1000; 12];
/// At home in the holidays: campus WLAN and data fall, calls rise elsewhere.
const SEMESTER: [u64; 12] = [
    700, 500, 1050, 1050, 1050, 1000, 650, 500, 1100, 1050, 1050, 1000,
];
/// Business around fairs and before the year ends.
const BUSINESS_YEAR: [u64; 12] = [
    900, 600, 1100, 1100, 1050, 1050, 950, 950, 1100, 900, 1100, 1200,
];
/// Away for work most of the year, home for Spring Festival; or a guest house in summer.
const SEASONAL: [u64; 12] = [
    1400, 2200, 500, 450, 600, 700, 1900, 2100, 600, 1500, 400, 500,
];
/// Travel in the long holidays.
const HOLIDAYS: [u64; 12] = [
    800, 1500, 700, 900, 1300, 900, 1500, 1600, 900, 1700, 700, 800,
];

const LOCAL: What = What::Voice("local");
const LONG_DISTANCE: What = What::Voice("long_distance");
const ROAMING: What = What::Voice("roaming");
const FAMILY_NUMBER: What = What::Voice("family_number");
const CALLED: What = What::Voice("called");
const ROAMING_CALLED: What = What::Voice("roaming_called");
const INTERNATIONAL: What = What::Voice("international");
const DOMESTIC: What = What::Data("domestic");
const IN_PROVINCE: What = What::Data("local");
const VIDEO: What = What::Data("video");
const NIGHT: What = What::NightData("domestic");
const NIGHT_VIDEO: What = What::NightData("video");
const MESSAGES: What = What::Sms("domestic");

const INDIVIDUAL: Archetype = Archetype {
    weight: 0,
    customer_type: "individual",
    plans: &[],
    medians: &[],
    between_customers: 900,
    between_months: 350,
    season: &STEADY,
    family_max: 0,
    broadband: 250,
};

pub(crate) static ARCHETYPES: [Archetype; 12] = [
    // Everyday
    Archetype {
        weight: 300,
        plans: &[
            ("gotone-58", 6),
            ("gotone-88", 10),
            ("gotone-128", 7),
            ("mzone-38", 7),
            ("mzone-58", 8),
            ("easyown-38", 8),
            ("easyown-48", 6),
            ("city-capital-59", 3),
            ("contract-76", 4),
            ("contract-106", 4),
            ("gotone-classic-88", 3),
            ("gotone-loyal-108", 3),
            ("fusion-79", 3),
        ],
        medians: &[
            (LOCAL, 110),
            (LONG_DISTANCE, 25),
            (ROAMING, 12),
            (FAMILY_NUMBER, 40),
            (CALLED, 140),
            (ROAMING_CALLED, 8),
            (DOMESTIC, 6 * GB),
            (IN_PROVINCE, 3 * GB),
            (VIDEO, 4 * GB),
            (NIGHT, GB),
            (MESSAGES, 18),
            (What::Mms, 1),
        ],
        broadband: 400,
        ..INDIVIDUAL
    },
    // Minimal
    Archetype {
        weight: 130,
        plans: &[
            ("easyown-8", 4),
            ("easyown-payg", 5),
            ("easyown-classic-10", 4),
            ("easyown-25", 8),
            ("easyown-second-12", 3),
            ("mzone-18", 5),
            ("easyown-calm-29", 4),
        ],
        medians: &[
            (LOCAL, 25),
            (FAMILY_NUMBER, 12),
            (CALLED, 40),
            (DOMESTIC, 120 * MB),
            (MESSAGES, 6),
        ],
        between_customers: 800,
        between_months: 450,
        broadband: 150,
        ..INDIVIDUAL
    },
    // Business, voice-heavy
    Archetype {
        weight: 80,
        plans: &[
            ("gotone-business-118", 5),
            ("gotone-198", 8),
            ("gotone-288", 6),
            ("gotone-388", 3),
            ("contract-156", 4),
            ("contract-206", 3),
            ("gotone-classic-50", 3),
            ("gotone-158", 6),
        ],
        medians: &[
            (LOCAL, 480),
            (LONG_DISTANCE, 260),
            (ROAMING, 150),
            (CALLED, 620),
            (ROAMING_CALLED, 120),
            (INTERNATIONAL, 3),
            (DOMESTIC, 9 * GB),
            (NIGHT, GB),
            (MESSAGES, 45),
            (What::Mms, 2),
            (What::Wlan("public"), 90),
        ],
        between_customers: 700,
        season: &BUSINESS_YEAR,
        ..INDIVIDUAL
    },
    // Firm
    Archetype {
        weight: 40,
        customer_type: "enterprise",
        plans: &[
            ("enterprise-46", 5),
            ("enterprise-76", 6),
            ("enterprise-126", 4),
            ("gotone-198", 3),
            ("gotone-business-68", 3),
        ],
        medians: &[
            (LOCAL, 320),
            (LONG_DISTANCE, 140),
            (ROAMING, 60),
            (CALLED, 380),
            (DOMESTIC, 10 * GB),
            (MESSAGES, 60),
            (What::Wlan("public"), 60),
        ],
        season: &BUSINESS_YEAR,
        broadband: 0,
        ..INDIVIDUAL
    },
    // Student
    Archetype {
        weight: 110,
        customer_type: "student",
        plans: &[
            ("mzone-campus-19", 6),
            ("mzone-campus-29", 5),
            ("mzone-campus-39", 5),
            ("mzone-58", 5),
            ("mzone-78", 4),
            ("city-college-24", 3),
            ("mzone-music-20", 2),
        ],
        medians: &[
            (LOCAL, 35),
            (LONG_DISTANCE, 30),
            (CALLED, 45),
            (DOMESTIC, 12 * GB),
            (VIDEO, 8 * GB),
            (NIGHT, 4 * GB),
            (What::Wlan("campus"), 2400),
            (MESSAGES, 25),
        ],
        season: &SEMESTER,
        broadband: 0,
        ..INDIVIDUAL
    },
    // Night streamer
    Archetype {
        weight: 70,
        plans: &[
            ("mzone-night-29", 3),
            ("mzone-night-49", 4),
            ("mzone-78", 6),
            ("mzone-98", 6),
            ("mzone-flex-5", 3),
            ("gotone-158", 3),
        ],
        medians: &[
            (LOCAL, 35),
            (CALLED, 40),
            (DOMESTIC, 6 * GB),
            (NIGHT, 22 * GB),
            (NIGHT_VIDEO, 14 * GB),
            (VIDEO, 3 * GB),
            (MESSAGES, 8),
        ],
        between_customers: 700,
        ..INDIVIDUAL
    },
    // Traveller
    Archetype {
        weight: 35,
        plans: &[
            ("gotone-128", 5),
            ("gotone-158", 5),
            ("gotone-travel-128", 3),
            ("gotone-388", 3),
            ("gotone-588", 2),
            ("contract-156", 2),
        ],
        medians: &[
            (LOCAL, 140),
            (LONG_DISTANCE, 60),
            (ROAMING, 130),
            (CALLED, 180),
            (ROAMING_CALLED, 90),
            (INTERNATIONAL, 14),
            (DOMESTIC, 11 * GB),
            (What::Data("roaming"), 500 * MB),
            (MESSAGES, 25),
            (What::Sms("international"), 4),
            (What::Wlan("public"), 200),
        ],
        between_months: 800,
        season: &HOLIDAYS,
        ..INDIVIDUAL
    },
    // Elder who writes messages
    Archetype {
        weight: 70,
        plans: &[
            ("easyown-25", 6),
            ("easyown-38", 5),
            ("easyown-home-15", 4),
            ("easyown-kin-16", 3),
            ("mzone-message-16", 2),
            ("easyown-points-32", 3),
            ("easyown-classic-10", 3),
            ("city-west-20", 2),
        ],
        medians: &[
            (LOCAL, 70),
            (FAMILY_NUMBER, 130),
            (CALLED, 160),
            (IN_PROVINCE, 400 * MB),
            (MESSAGES, 210),
            (What::Mms, 6),
        ],
        between_customers: 700,
        ..INDIVIDUAL
    },
    // Head of a family
    Archetype {
        weight: 90,
        plans: &[
            ("family-99", 4),
            ("family-139", 4),
            ("family-169", 3),
            ("gotone-128", 5),
            ("gotone-158", 5),
            ("fusion-99", 4),
            ("contract-106", 3),
        ],
        medians: &[
            (LOCAL, 180),
            (LONG_DISTANCE, 40),
            (FAMILY_NUMBER, 90),
            (CALLED, 220),
            (DOMESTIC, 11 * GB),
            (IN_PROVINCE, 3 * GB),
            (VIDEO, 5 * GB),
            (MESSAGES, 15),
        ],
        family_max: 3,
        broadband: 550,
        ..INDIVIDUAL
    },
    // Seasonal
    Archetype {
        weight: 45,
        plans: &[
            ("easyown-distance-20", 4),
            ("easyown-48", 5),
            ("gotone-58", 4),
            ("mzone-38", 5),
            ("city-south-29", 3),
            ("mzone-rollover-36", 2),
            ("mzone-58", 4),
        ],
        medians: &[
            (LOCAL, 90),
            (LONG_DISTANCE, 80),
            (ROAMING, 40),
            (CALLED, 110),
            (DOMESTIC, 5 * GB),
            (VIDEO, 2 * GB),
            (MESSAGES, 12),
        ],
        between_months: 600,
        season: &SEASONAL,
        ..INDIVIDUAL
    },
    // Data card
    Archetype {
        weight: 30,
        customer_type: "data_card",
        plans: &[
            ("datacard-30", 4),
            ("datacard-50", 4),
            ("datacard-100", 3),
            ("datacard-flex", 2),
        ],
        medians: &[(DOMESTIC, 16 * GB), (NIGHT, 3 * GB)],
        between_customers: 1300,
        broadband: 0,
        ..INDIVIDUAL
    },
    // Thing
    Archetype {
        weight: 25,
        customer_type: "iot",
        plans: &[("iot-1", 4), ("iot-3", 4), ("iot-6", 3), ("iot-15", 1)],
        medians: &[(DOMESTIC, 60 * MB)],
        between_customers: 1500,
        broadband: 0,
        ..INDIVIDUAL
    },
];
