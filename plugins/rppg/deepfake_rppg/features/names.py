"""What are the features called, and in which order do they stand?"""

from __future__ import annotations

from deepfake_rppg.traces import REGIONS

SHORT = dict(zip(("fh", "lc", "rc", "lf", "rf", "chin", "nose", "lj", "rj"), range(len(REGIONS)), strict=True))
"""Column of a region in the traces, by its short name: forehead, left cheek, right cheek, left forehead, ..."""

PER_REGION = (
    "snr",
    "spectral_purity",
    "peak_prominence",
    "dominant_freq",
    "harmonic_ratio",
    "spectral_entropy",
    "spectral_centroid",
    "mad",
    "std",
    "zcr",
    "kurtosis",
    "skewness",
)

CORRELATIONS = (
    "corr_fh_lc",
    "corr_fh_rc",
    "corr_lc_rc",
    "corr_fh_chin",
    "corr_fh_nose",
    "corr_chin_nose",
    "corr_lc_chin",
    "corr_rc_chin",
    "corr_lc_nose",
    "corr_rc_nose",
    "corr_lf_rf",
    "corr_lj_rj",
)

COHERENCES = (
    "coherence_fh_lc",
    "coherence_fh_rc",
    "coherence_lc_rc",
    "coherence_fh_chin",
    "coherence_chin_nose",
    "coherence_lj_rj",
)

GEOMETRY = (
    "geo_face_height_to_face_width",
    "geo_forehead_width_to_face_width",
    "geo_jaw_width_to_face_width",
    "geo_eye_distance_to_face_width",
    "geo_inner_eye_distance_to_face_width",
    "geo_right_eye_width_to_face_width",
    "geo_left_eye_width_to_face_width",
    "geo_right_eye_openness",
    "geo_left_eye_openness",
    "geo_right_brow_height_to_face_height",
    "geo_left_brow_height_to_face_height",
    "geo_inner_brow_distance_to_face_width",
    "geo_nose_length_to_face_height",
    "geo_nose_width_to_face_width",
    "geo_nose_width_to_nose_length",
    "geo_mouth_width_to_face_width",
    "geo_mouth_width_to_nose_width",
    "geo_lip_height_to_mouth_width",
    "geo_mouth_openness",
    "geo_philtrum_to_face_height",
    "geo_chin_height_to_face_height",
    "geo_eyes_at_nose_angle",
    "geo_mouth_at_nose_angle",
    "geo_jaw_at_chin_angle",
    "geo_mouth_to_eye_line_angle",
    "geo_asymmetry",
)
"""Proportions and angles of the face: they can identify a person."""

FEATURES = (
    *(f"{region}_{name}" for region in ("fh", "lc") for name in PER_REGION),
    *CORRELATIONS[:3],
    *COHERENCES[:3],
    "phase_diff_fh_lc",
    "phase_diff_fh_rc",
    "bpm_estimate",
    "signal_stationarity",
    "bpm_consistency",
    "hrv_rmssd",
    "hrv_sdnn",
    "hrv_pnn50",
    "hrv_pnn20",
    "hrv_lf_power",
    "hrv_hf_power",
    "hrv_lf_hf_ratio",
    "hrv_total_power",
    "signal_energy",
    "signal_entropy",
    "spectral_flatness",
    "crest_factor",
    "signal_complexity",
    *GEOMETRY,
    *CORRELATIONS[3:],
    *COHERENCES[3:],
    "band_power_low_fh",
    "band_power_mid_fh",
    "band_power_high_fh",
    "band_power_low_lc",
    "band_power_mid_lc",
    "band_power_high_lc",
    "band_power_ratio_fh",
    "band_power_ratio_lc",
    "band_power_variance",
    "spatial_bpm_variance",
    "spatial_bpm_std",
    "spatial_bpm_range",
    "spatial_bpm_iqr",
    "spatial_bpm_consistency",
    "temporal_bpm_std",
    "temporal_bpm_range",
    "temporal_snr_std",
    "temporal_bpm_stability",
    "temporal_bpm_consistency",
    "skin_reflection_variance_fh",
    "skin_reflection_variance_lc",
    "skin_reflection_mean_difference",
    "skin_reflection_specular_score",
    "snr_std",
    "snr_range",
    "snr_consistency",
    "phase_sync_mean",
    "phase_sync_std",
    "phase_sync_consistency",
    "rgb_corr_green_red",
    "rgb_corr_green_blue",
)
"""The 117 features of pulse and face, in the order of the table."""

FREQUENCY = (*(f"fft_r{i:02d}" for i in range(32)), *(f"dct_b{i:02d}" for i in range(32)))
"""The 64 image frequencies of ``Traces.spectrum``, in its order."""
