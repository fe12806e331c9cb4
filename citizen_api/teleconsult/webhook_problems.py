"""What can go wrong with a webhook of a provider."""

from __future__ import annotations

from citizen_api.core.problems import Problem


class WebhookRefused(Problem):
    """Unknown provider, no secret, wrong signature, wrong time: not told apart. See `content/problems.yaml`."""

    name, status = "webhook-refused", 401


class ReferralUnknown(Problem):
    """That of another provider is unknown too. See `content/problems.yaml`."""

    name, status = "referral-unknown", 404
